/** Cedar's extension types and what can be asked of them: docs.cedarpolicy.com/policies/syntax-datatypes.html. */
import { add, type Long, quotient, remainder, subtract } from "../long.ts";
import { type Extension, Failure, isExtension, kindOf, type Result, type Value } from "../value.ts";
import { type Decimal, decimal } from "./decimal.ts";
import { type IpAddr, ipaddr, isInRange, isLoopback, isMulticast } from "./ipaddr.ts";
import {
  DAY,
  type Datetime,
  type Duration,
  datetime,
  duration,
  HOUR,
  length,
  MINUTE,
  moment,
  SECOND,
} from "./time.ts";

interface Types {
  readonly string: string;
  readonly decimal: Decimal;
  readonly ipaddr: IpAddr;
  readonly datetime: Datetime;
  readonly duration: Duration;
}

/** One function: the types of its arguments, the first of which a method is called on. */
interface Signature {
  readonly takes: readonly (keyof Types)[];
  readonly gives: (...values: never[]) => Result;
}

function fn<A extends keyof Types>(takes: readonly [A], gives: (a: Types[A]) => Result): Signature;
function fn<A extends keyof Types, B extends keyof Types>(
  takes: readonly [A, B],
  gives: (a: Types[A], b: Types[B]) => Result,
): Signature;
function fn(takes: readonly (keyof Types)[], gives: Signature["gives"]): Signature {
  return { takes, gives };
}

const made = (made: Extension | string): Result =>
  typeof made === "string" ? new Failure("extension", made) : made;

const fits = <T>(ms: Long | null, make: (ms: Long) => T): T | Failure =>
  ms === null ? new Failure("overflow", "a moment or duration has no place in 64 bits") : make(ms);

const lasting = (unit: number) => fn(["duration"], ({ ms }) => quotient(ms, unit));

const midnight = ({ ms }: Datetime) => fits(subtract(ms, remainder(ms, DAY)), moment);

/** By the name that stands in policies. */
export const FUNCTIONS: ReadonlyMap<string, Signature> = new Map<string, Signature>([
  ["decimal", fn(["string"], (text) => made(decimal(text)))],
  ["lessThan", fn(["decimal", "decimal"], (a, b) => a.tenThousandths < b.tenThousandths)],
  ["lessThanOrEqual", fn(["decimal", "decimal"], (a, b) => a.tenThousandths <= b.tenThousandths)],
  ["greaterThan", fn(["decimal", "decimal"], (a, b) => a.tenThousandths > b.tenThousandths)],
  [
    "greaterThanOrEqual",
    fn(["decimal", "decimal"], (a, b) => a.tenThousandths >= b.tenThousandths),
  ],

  ["ip", fn(["string"], (text) => made(ipaddr(text)))],
  ["isIpv4", fn(["ipaddr"], ({ version }) => version === 4)],
  ["isIpv6", fn(["ipaddr"], ({ version }) => version === 6)],
  ["isLoopback", fn(["ipaddr"], isLoopback)],
  ["isMulticast", fn(["ipaddr"], isMulticast)],
  ["isInRange", fn(["ipaddr", "ipaddr"], isInRange)],

  ["datetime", fn(["string"], (text) => made(datetime(text)))],
  ["duration", fn(["string"], (text) => made(duration(text)))],
  ["offset", fn(["datetime", "duration"], (a, b) => fits(add(a.ms, b.ms), moment))],
  ["durationSince", fn(["datetime", "datetime"], (a, b) => fits(subtract(a.ms, b.ms), length))],
  ["toDate", fn(["datetime"], midnight)],
  ["toTime", fn(["datetime"], ({ ms }) => length(remainder(ms, DAY)))],
  ["toMilliseconds", fn(["duration"], ({ ms }) => ms)],
  ["toSeconds", lasting(SECOND)],
  ["toMinutes", lasting(MINUTE)],
  ["toHours", lasting(HOUR)],
  ["toDays", lasting(DAY)],
]);

/** Written as `fn(argument)`; the others as `argument.fn(…)`. */
export const CONSTRUCTORS: ReadonlySet<string> = new Set(["decimal", "ip", "datetime", "duration"]);

/** Calls a function of `FUNCTIONS`, once its arguments are known to have values. */
export function call(name: string, values: readonly Value[]): Result {
  const { takes, gives } = FUNCTIONS.get(name)!;
  for (const [at, value] of values.entries())
    if (typeOf(value) !== takes[at])
      return new Failure("type", `${name} takes a ${takes[at]}, not ${kindOf(value)}`);
  return gives(...(values as never[]));
}

const typeOf = (value: Value): string | undefined =>
  typeof value === "object" ? (isExtension(value) ? value.extension : undefined) : typeof value;

/** `<` and the like compare moments and durations, too, each with its own kind; null for everything else. */
export function comparable(a: Value, b: Value): readonly [Long, Long] | null {
  if (typeof a !== "object" || typeof b !== "object" || !isExtension(a) || !isExtension(b))
    return null;
  if (a.extension !== b.extension) return null;
  if (a.extension !== "datetime" && a.extension !== "duration") return null;
  return [(a as Datetime).ms, (b as Datetime).ms];
}
