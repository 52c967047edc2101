import type { Extension } from "../value.ts";

/** An address of IPv4 or IPv6, or a range of them: an address and how many of its first bits count. */
export interface IpAddr extends Extension {
  readonly extension: "ipaddr";
  readonly version: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
  readonly prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;

/** The longest that is read: eight groups of four digits, and a prefix. */
const LENGTH_MAX = 43;

export function ipaddr(text: string): IpAddr | string {
  if (text.length > LENGTH_MAX) return MALFORMED;
  const slash = text.indexOf("/");
  const name = slash === -1 ? text : text.slice(0, slash);
  const version = name.includes(":") ? 6 : 4;
  const address = version === 6 ? ipv6(name) : ipv4(name);
  if (address === null) return MALFORMED;
  const bits = BITS[version];
  const prefix = slash === -1 ? bits : prefixOf(text.slice(slash + 1), bits);
  if (prefix === null)
    return `the prefix of an IPv${version} range is 0 to ${bits}, written plainly`;
  const host = (1n << BigInt(bits - prefix)) - 1n;
  const first = (address | host) ^ host;
  const key = `${version} ${address} ${prefix}`;
  return { extension: "ipaddr", key, text, version, first, last: first | host, prefix };
}

const MALFORMED = "an ipaddr is an IPv4 or IPv6 address or range, like 10.0.0.0/8 or 2001:db8::1";

function prefixOf(text: string, max: number): number | null {
  if (!/^(0|[1-9]\d{0,2})$/.test(text)) return null;
  const prefix = Number(text);
  return prefix <= max ? prefix : null;
}

function ipv4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let address = 0;
  for (const part of parts) {
    // No leading zeros: some read them as octal.
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    address = address * 256 + Number(part);
  }
  return BigInt(address);
}

/** RFC 4291, section 2.2, without its form that ends in an IPv4 address. */
function ipv6(text: string): bigint | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":"))) as [
    string[],
    string[]?,
  ];
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [
    ...head,
    ...Array<string>(tail === undefined ? 0 : missing).fill("0"),
    ...(tail ?? []),
  ];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return null;
  return BigInt(`0x${groups.map((group) => group.padStart(4, "0")).join("")}`);
}

export const isInRange = (a: IpAddr, range: IpAddr): boolean =>
  a.version === range.version && a.first >= range.first && a.last <= range.last;

const within = (four: string, six: string) => {
  const ranges = { 4: ipaddr(four) as IpAddr, 6: ipaddr(six) as IpAddr };
  return (address: IpAddr): boolean => isInRange(address, ranges[address.version]);
};

/** RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3. */
export const isLoopback = within("127.0.0.0/8", "::1");
/** RFC 5771; RFC 4291, section 2.7. */
export const isMulticast = within("224.0.0.0/4", "ff00::/8");
