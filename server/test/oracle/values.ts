import fc from "fast-check";
import type { EntityUid, ValueJson } from "../../src/domains/authz/engine/index.ts";

export type Kind =
  | "bool"
  | "long"
  | "string"
  | "entity"
  | "decimal"
  | "ip"
  | "datetime"
  | "duration"
  | "record"
  | "set";

export const uid = (type: string, id: string): EntityUid => ({ type, id });

/** Few names, so that policies and requests meet. Ghosts are in no store. */
export const USERS = ["ada", "bob", 'q"uote', "ghost"].map((id) => uid("User", id));
export const GROUPS = ["staff", "admins", "all"].map((id) => uid("Org::Group", id));
export const PHOTOS = ["p1", "p2", "ghost"].map((id) => uid("Photo", id));
export const ALBUMS = ["a1", "a2"].map((id) => uid("Album", id));
export const ACTIONS = ["view", "edit", "delete"].map((id) => uid("Action", id));
export const ACTION_GROUPS = ["read", "write"].map((id) => uid("Action", id));

export const pick = <T>(...of: readonly T[]) => fc.constantFrom(...of);

/** Attributes have one kind each in most entities, and another in some. */
export const ATTRIBUTES: Readonly<Record<string, Kind>> = {
  age: "long",
  name: "string",
  active: "bool",
  manager: "entity",
  limit: "decimal",
  address: "ip",
  since: "datetime",
  ttl: "duration",
  address2: "record",
  labels: "set",
};
export const names = pick(...Object.keys(ATTRIBUTES), "missing", "__proto__", "has space");

export const long = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -3, max: 5 }) },
  {
    weight: 1,
    arbitrary: pick(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 4_611_686_018, 0),
  },
);
export const text = fc.oneof(
  { weight: 6, arbitrary: pick("a", "b", "ab", "a*b", "", "staff", "äö", "𝒳y", "color", 'q"') },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 6 }) },
);
export const decimalText = pick(
  "0.0",
  "1.5",
  "1.50",
  "-1.5",
  "1.0000",
  "922337203685477.5807",
  "12.3",
  "-922337203685477.5808",
  "-0.0001",
  "0.0001",
);
export const ipText = pick(
  "127.0.0.1",
  "127.0.0.1/32",
  "10.0.0.0/8",
  "10.1.2.3",
  "10.1.2.3/24",
  "224.0.0.1",
  "::1",
  "ff02::1",
  "2001:db8::/32",
  "2001:DB8::5",
  "0.0.0.0/0",
  "127.0.0.0/7",
  "128.0.0.0/1",
  "127.1.2.3",
  "127.0.0.0/9",
  "239.255.255.255",
  "224.0.0.0/4",
  "::",
  "::/0",
  "fe80::1/10",
  "1:2:3:4:5:6:7:8/127",
);
export const datetimeText = pick(
  "2024-01-01",
  "2024-02-29T23:59:59Z",
  "2024-02-29T23:59:59.123Z",
  "1969-12-31T23:00:00.001Z",
  "2024-01-01T00:00:00+0100",
  "0001-01-01",
  "9999-12-31T23:59:59.999-2359",
  "0000-02-29",
  "1900-02-28T00:00:00.000+2359",
  "2000-02-29T12:30:00-0130",
);
export const durationText = pick(
  "1d",
  "-1d",
  "1h30m",
  "0ms",
  "1d2h3m4s5ms",
  "-90m",
  "36500000d",
  "-1ms",
  "106751991167d7h12m55s807ms",
  "-106751991167d7h12m55s808ms",
);

/** The text with one character more, less, or another one: most that extension types read are then refused. */
export const slipped = (text: string): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.nat({ max: text.length }),
      pick("in", "out", "instead"),
      pick(..."0123456789.:-+/TZdhmsfx "),
    )
    .map(([at, how, by]) => {
      const rest = text.slice(how === "in" ? at : at + 1);
      return text.slice(0, at) + (how === "out" ? "" : by) + rest;
    });
/** Also texts that are no value of their type: constructors in policies fail on them. */
export const broken = pick(
  "1:2:3:4::5:6:7:8",
  "922337203685477.5808",
  "-922337203685477.5809",
  "106751991167d7h12m55s808ms",
  "",
  "x",
  "1",
  "1.23456",
  "10.0.0.0/33",
  "010.0.0.1",
  "::ffff:1.2.3.4",
  "1::2::3",
  "2023-02-29",
  "2024-01-01T24:00:00Z",
  "2024-13-01",
  "1m1h",
  "ms",
  "-",
  "99999999999999999999d",
  "+1.0",
  "1.",
  ".5",
  "-0.0",
  "1:2:3:4:5:6:7::",
  "127.0.0.1/08",
  "2024-01-01T00:00:00",
  "2024-01-01T00:00:00+2400",
);

export const extn = (fn: string, arg: string): ValueJson => ({ __extn: { fn, arg } });
export const entity = pick(...USERS, ...GROUPS, ...PHOTOS, ...ALBUMS, ...ACTIONS);
export const asValue = (of: EntityUid): ValueJson => ({ __entity: of });

export function valueOf(kind: Kind, depth: number): fc.Arbitrary<ValueJson> {
  switch (kind) {
    case "bool":
      return fc.boolean();
    case "long":
      return long;
    case "string":
      return text;
    case "entity":
      return entity.map(asValue);
    case "decimal":
      return decimalText.map((arg) => extn("decimal", arg));
    case "ip":
      return ipText.map((arg) => extn("ip", arg));
    case "datetime":
      return datetimeText.map((arg) => extn("datetime", arg));
    case "duration":
      return durationText.map((arg) => extn("duration", arg));
    case "record":
      return fc.dictionary(names, anyValue(depth + 1), { maxKeys: 3, noNullPrototype: true });
    case "set":
      return fc.array(anyValue(depth + 1), { maxLength: 3 });
  }
}

export const SCALARS = [
  "bool",
  "long",
  "string",
  "entity",
  "decimal",
  "ip",
  "datetime",
  "duration",
] as const;

export const kinds: fc.Arbitrary<Kind> = pick<Kind>(...SCALARS, "record", "set");

export function anyValue(depth: number): fc.Arbitrary<ValueJson> {
  return (depth > 2 ? pick<Kind>(...SCALARS) : kinds).chain((kind) => valueOf(kind, depth));
}

export const attributes: fc.Arbitrary<Record<string, ValueJson>> = fc
  .array(
    fc.tuple(names, fc.integer({ max: 9, min: 0 })).chain(([name, odds]) => {
      const kind = Object.hasOwn(ATTRIBUTES, name) ? ATTRIBUTES[name] : undefined;
      const value = kind === undefined || odds === 0 ? anyValue(0) : valueOf(kind, 0);
      return value.map((found) => [name, found] as const);
    }),
    { maxLength: 8 },
  )
  .map((fields) => Object.fromEntries(fields));
