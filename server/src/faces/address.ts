import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import proxyAddress, { compile } from "@fastify/proxy-addr";

/** Where a request came from. */
export type AddressOf = (request: Requested) => string | undefined;

/** What HTTP/1 and HTTP/2 requests have in common here. */
export type Requested = Pick<IncomingMessage, "headers"> & {
  readonly socket: { readonly remoteAddress?: string | undefined };
};

/**
 * The address of the other side of the connection; where that is a proxy that is trusted, what `X-Forwarded-For` says
 * before the first one that is not.
 * @param trusted addresses and ranges: `10.0.0.0/8`
 */
export function openAddresses(trusted: readonly string[]): AddressOf {
  const trusts = compile([...trusted]);
  return (request) => {
    // A connection that has ended has no address any more.
    if (request.socket.remoteAddress === undefined) return undefined;
    return plain(proxyAddress(request as IncomingMessage, trusts));
  };
}

/**
 * An address in the form in which policies compare it: IPv4 as such where the socket shows it as IPv6 (RFC 4291, section
 * 2.5.5.2), without the zone of a link-local one. What is no address is none: headers say what they like.
 */
function plain(text: string): string | undefined {
  const address = text
    .replace(/^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/i, (_, high: string, low: string) =>
      dotted(high, low),
    )
    .replace(/^::ffff:(?=[\d.]+$)/i, "")
    .replace(/%.*$/, "");
  const mixed = address.includes(":") && address.includes(".");
  return isIP(address) === 0 || mixed ? undefined : address;
}

/** Two groups of an IPv6 address as the IPv4 address that they are. */
function dotted(high: string, low: string): string {
  const bits = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join(".");
}
