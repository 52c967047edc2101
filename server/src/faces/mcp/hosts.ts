import type { IncomingMessage } from "node:http";
import { foreignHost, foreignOrigin } from "./refusals.ts";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Who may name us, and whose pages may call us. */
export interface Allowed {
  readonly hosts: ReadonlySet<string>;
  readonly origins: ReadonlySet<string>;
}

/**
 * @param names that this server answers under, besides loopback
 * @param origins sites whose pages may call; those of the names may, too
 */
export const allowedHosts = (names: readonly string[], origins: readonly string[]): Allowed => ({
  hosts: new Set([...LOOPBACK, ...names]),
  origins: new Set(origins),
});

/**
 * Against DNS rebinding: a page whose name was made to lead here says that name as Host and Origin. An address that
 * the connection itself came to is no name.
 */
export function checkHosts(
  { headers, socket }: IncomingMessage,
  { hosts, origins }: Allowed,
): void {
  const { host = "", origin } = headers;
  const address = socket.localAddress?.replace(/^::ffff:/, "");
  const known = (name: string | undefined): boolean =>
    name !== undefined && (hosts.has(name) || name.replace(/^\[|\]$/g, "") === address);
  if (!known(nameOf(`http://${host}`))) throw foreignHost(host);
  if (origin !== undefined && !origins.has(origin) && !known(nameOf(origin)))
    throw foreignOrigin(origin);
}

const nameOf = (url: string): string | undefined =>
  URL.canParse(url) ? new URL(url).hostname || undefined : undefined;
