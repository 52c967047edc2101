import type { IncomingMessage } from "node:http";
import { foreignHost, foreignOrigin } from "./refusals.ts";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const EVERYWHERE = new Set(["0.0.0.0", "::", "[::]"]);

/** Who may name us, and whose pages may call us. */
export interface Allowed {
  readonly hosts: ReadonlySet<string>;
  readonly origins: ReadonlySet<string>;
}

/**
 * Names that this server answers under: loopback, `SEALBASE_HOST`, and those of `SEALBASE_MCP_HOSTS`, joined by commas.
 * @param origins sites whose pages may call; those of the names may, too
 */
export function allowedHosts(
  origins: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Allowed {
  const host = env["SEALBASE_HOST"] ?? "";
  const names = (env["SEALBASE_MCP_HOSTS"] ?? "").split(",").map((name) => name.trim());
  const own = EVERYWHERE.has(host) ? [] : [host];
  return {
    hosts: new Set([...LOOPBACK, ...own, ...names].filter(Boolean)),
    origins: new Set(origins),
  };
}

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
