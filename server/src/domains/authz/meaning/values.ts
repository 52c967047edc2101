import { isDeepStrictEqual } from "node:util";
import { canonicalJson } from "#verifier";
import type { Shape, ValueJson } from "../engine/index.ts";

/** Stands for whatever nobody named: no policy is expected to. */
export const SOMETHING = "generated";

/** Parts of one value; a schema may nest records until they fill the memory. */
const PARTS_MAX = 500;
/** Values that one attribute is given. */
const OPTIONS_MAX = 12;

/** A schema wants values larger than are made. */
export class TooLarge extends Error {}

/** A value of a shape that says nothing; of records what they must have. */
export function plainOf(shape: Shape, parts = { left: PARTS_MAX }): ValueJson {
  if (parts.left-- <= 0) throw new TooLarge("a value with more than 500 parts");
  switch (shape.type) {
    case "String":
      return SOMETHING;
    case "Long":
      return 0;
    case "Boolean":
      return false;
    case "Entity":
      // Not who asks, who is something.
      return { __entity: { type: shape.name!, id: shape.ids?.[0] ?? `${SOMETHING}-other` } };
    case "Set":
      return [];
    case "Record":
      return Object.fromEntries(
        [...shape.fields()]
          .filter(([, { required }]) => required)
          .map(([name, field]) => [name, plainOf(field.shape, parts)]),
      );
    default:
      return extension(shape.type, PLAIN[shape.type]!);
  }
}

const extension = (type: string, arg: string): ValueJson => ({
  __extn: { fn: type === "ipaddr" ? "ip" : type, arg },
});

/** 192.0.2.0/24 is for documentation (RFC 5737). */
const PLAIN: Readonly<Record<string, string>> = {
  decimal: "0.0",
  ipaddr: "192.0.2.1",
  datetime: "2000-01-01",
  duration: "0ms",
};

/**
 * The plain value of a shape, and what constants that it is compared with give of its kind, with what lies right beside. An author
 * may list a hundred thousand: no more are looked at than are wanted, and none is compared with all others.
 */
export function optionsOf(shape: Shape, constants: readonly ValueJson[]): ValueJson[] {
  if (shape.type === "Record") return [plainOf(shape)];
  const plain = plainOf(shape);
  const different = new Map([[canonicalJson(plain), plain]]);
  for (const constant of constants)
    for (const one of near(shape, constant)) {
      if (different.size === OPTIONS_MAX) return [...different.values()];
      const key = canonicalJson(one);
      if (!different.has(key)) different.set(key, one);
    }
  return [...different.values()];
}

/** One after the other, as far as somebody asks. */
function* near(shape: Shape, constant: ValueJson): Generator<ValueJson> {
  if (shape.type === "Set") return yield* members(shape.element(), constant);
  if (shape.type === "Boolean") return yield true;
  const own = nearOne(shape, constant);
  if (own !== undefined) yield* own;
  // An attribute is compared with a set of its kind.
  else if (Array.isArray(constant)) for (const member of constant) yield* near(shape, member);
}

/** Undefined: the constant is of another kind. */
function nearOne(shape: Shape, constant: ValueJson): ValueJson[] | undefined {
  switch (shape.type) {
    case "String":
      return typeof constant === "string" ? [constant] : undefined;
    case "Long":
      return typeof constant === "number"
        ? [constant, constant - 1, constant + 1].filter(Number.isSafeInteger)
        : undefined;
    case "Entity":
      return entityOf(constant)?.type === shape.name ? [constant] : undefined;
    default: {
      const arg = extensionOf(constant, shape.type);
      if (arg === undefined) return undefined;
      return [arg, ...(BESIDE[shape.type]?.(arg) ?? [])].map((one) => extension(shape.type, one));
    }
  }
}

/** A set with all of them, unless they are more than a value may have, and with one. */
function* members(element: Shape, constant: ValueJson): Generator<ValueJson> {
  const all: readonly ValueJson[] = Array.isArray(constant) ? constant : [constant];
  const fits = (one: ValueJson) =>
    near(element, one).some((it: ValueJson) => isDeepStrictEqual(it, one));
  const fit = all.slice(0, PARTS_MAX).filter(fits);
  if (fit.length > 0 && all.length <= PARTS_MAX) yield fit;
  for (const one of fit) yield [one];
}

export const entityOf = (value: ValueJson): { type: string; id: string } | undefined =>
  typeof value === "object" && !Array.isArray(value) && "__entity" in value
    ? (value as { readonly __entity: { type: string; id: string } }).__entity
    : undefined;

function extensionOf(value: ValueJson, type: string): string | undefined {
  if (typeof value !== "object" || Array.isArray(value) || !("__extn" in value)) return undefined;
  const { fn, arg } = value.__extn as { readonly fn: string; readonly arg: ValueJson };
  const isSame = fn === type || (fn === "ip" && type === "ipaddr");
  return isSame && typeof arg === "string" ? arg : undefined;
}

/** What lies right beside a value, and so on another side of a comparison with it. */
const BESIDE: Readonly<Record<string, (arg: string) => string[]>> = {
  // Four digits behind the point are the smallest step that there is.
  decimal(arg) {
    const [whole = "0", part = ""] = arg.replace("-", "").split(".");
    const units = BigInt(whole) * 10_000n + BigInt(part.padEnd(4, "0"));
    const signed = arg.startsWith("-") ? -units : units;
    return [signed - 1n, signed + 1n].map(decimalText);
  },
  /** An address within a range. */
  ipaddr: (arg) => (arg.includes("/") ? [arg.slice(0, arg.indexOf("/"))] : []),
  datetime(arg) {
    const time_ms = Date.parse(arg);
    if (Number.isNaN(time_ms)) return [];
    return [time_ms - 1, time_ms + 1].map((time) => new Date(time).toISOString());
  },
};

function decimalText(units: bigint): string {
  const digits = (units < 0n ? -units : units).toString().padStart(5, "0");
  return `${units < 0n ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}
