import fc from "fast-check";
import type { Expression } from "../../src/domains/authz/engine/index.ts";
import { binary, COMPARISONS, call, value } from "./parts.ts";
import {
  broken,
  datetimeText,
  decimalText,
  durationText,
  ipText,
  long,
  pick,
  slipped,
} from "./values.ts";

/** Longs from one end to the other; beyond 2^53 they cannot be written as JSON numbers. */
const anyLong: fc.Arbitrary<Expression> = fc.oneof(
  long.map(value),
  pick(
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775806",
    "-9223372036854775807",
    "9007199254740992",
    "-9007199254740992",
    "9007199254740993",
    "3037000500",
    "4294967296",
    "-4611686018427387904",
  ).map((ms) => call("toMilliseconds", call("duration", value(`${ms}ms`)))),
);

const made = (fn: string, texts: fc.Arbitrary<string>): fc.Arbitrary<Expression> =>
  fc
    .oneof(
      { weight: 8, arbitrary: texts },
      { weight: 2, arbitrary: texts.chain(slipped) },
      { weight: 1, arbitrary: broken },
    )
    .map((text) => call(fn, value(text)));
const anyDecimal = made("decimal", decimalText);
const anyIp = made("ip", ipText);
const anyDatetime = made("datetime", datetimeText);
const anyDuration = made("duration", durationText);

const arithmetic = fc
  .tuple(pick("+", "-", "*"), anyLong, anyLong, pick(...COMPARISONS), anyLong)
  .map(([operator, a, b, compare, c]) => binary(compare, binary(operator, a, b), c));
const negation = fc
  .tuple(anyLong, pick(...COMPARISONS), anyLong)
  .map(([arg, compare, b]) => binary(compare, { neg: { arg } }, b));

const decimals = fc
  .tuple(
    pick("lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"),
    anyDecimal,
    anyDecimal,
  )
  .map(([fn, a, b]) => call(fn, a, b));
const equalMade = fc
  .oneof(
    ...[anyDecimal, anyIp, anyDatetime, anyDuration].map((of) => fc.tuple(of, of)),
    fc.tuple(anyDatetime, anyDuration),
  )
  .map(([a, b]) => binary("==", a, b));

/** Texts that only just are values, and texts that only just are none. */
const EDGES: Readonly<Record<string, readonly string[]>> = {
  decimal: ["0.00000", "1.12345", "-.5", "5.", "0x1.0", "01.5", "-0.0", "1.0 ", "१.0", "1_0.0"],
  ip: [
    "1:2:3:4::5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    ":::",
    "12345::",
    "::/129",
    "::/128",
    "1.2.3.4/32",
    "1.2.3.4/33",
    "1.2.3.4/+1",
    "1.2.3.4/01",
    "1.2.3.4/",
    "1.2.3.256",
    "1.2.3",
    "::1.2.3.4",
    "fe80::1%eth0",
    "01.2.3.4",
  ],
  datetime: [
    "2024-01-01T00:00:00+0060",
    "2024-01-01T00:00:00+2359",
    "2024-01-01T00:00:00+2400",
    "2024-01-01T00:00:60Z",
    "2024-01-01T00:60:00Z",
    "2024-01-01T24:00:00Z",
    "2024-04-31",
    "2024-00-10",
    "2024-01-00",
    "2100-02-29",
    "2000-02-29",
    "2024-01-01Z",
    "2024-01-01T00:00:00",
    "2024-01-01T00:00:00.1Z",
    "2024-01-01T00:00:00.1234Z",
    "2024-01-01T00:00:00-00:00",
    "2024-1-1",
    "20240-01-01",
    "2024-01-01t00:00:00z",
  ],
  duration: [
    "",
    "-",
    "1",
    "1s1m",
    "1ms1s",
    "1h1h",
    "+1h",
    "1.5h",
    "1w",
    "00001h",
    "1H",
    "--1h",
    "1h ",
    "-1h-1m",
  ],
};
const edges = pick(
  ...Object.entries(EDGES).flatMap(([fn, texts]) => texts.map((text) => call(fn, value(text)))),
).map((one) => binary("==", one, one));

/** Texts of one value, or of two that differ little. */
const TWINS: readonly (readonly [fn: string, ...texts: string[]])[] = [
  ["ip", "10.0.0.0/8", "10.0.0.1/8", "10.0.0.0/9", "10.0.0.0", "10.0.0.0/32"],
  ["ip", "::1", "0:0:0:0:0:0:0:1", "::0001/128", "::1/127", "::/127", "0.0.0.1"],
  ["decimal", "1.5", "1.50", "1.5000", "-1.5", "1.05", "1.0500"],
  ["decimal", "0.0", "-0.0", "0.0000", "0.0001"],
  ["datetime", "2024-01-01", "2024-01-01T00:00:00Z", "2024-01-01T01:00:00+0100"],
  ["datetime", "2023-12-31T23:00:00-0100", "2024-01-01", "2024-01-01T00:00:00.001Z"],
  ["duration", "1h", "60m", "3600s", "3600000ms", "-60m", "0d1h"],
  ["duration", "0ms", "-0ms", "0d0h", "1ms"],
];
const twins = fc
  .tuple(pick(...TWINS), fc.nat(), fc.nat(), pick("==", "contains", "isInRange"))
  .map(([[fn, ...texts], i, j, operator]) => {
    const a = call(fn, value(texts[i % texts.length]!));
    const b = call(fn, value(texts[j % texts.length]!));
    if (operator === "isInRange" && fn === "ip") return call("isInRange", a, b);
    return binary(operator === "==" ? "==" : "contains", operator === "==" ? a : { Set: [a] }, b);
  });

const addresses = fc.oneof(
  fc.tuple(anyIp, anyIp).map(([a, b]) => call("isInRange", a, b)),
  fc
    .tuple(pick("isIpv4", "isIpv6", "isLoopback", "isMulticast"), anyIp)
    .map(([fn, a]) => call(fn, a)),
);

const UNITS = ["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"] as const;
const early = pick(
  "1969-12-31T23:00:00.001Z",
  "1969-12-31",
  "1969-12-30T00:00:00.000Z",
  "1970-01-01",
  "1970-01-01T00:00:00.001Z",
).map((text) => call("datetime", value(text)));
const moments = fc.oneof(
  // Days before 1970 begin at midnight, too.
  fc.tuple(early, early).map(([a, b]) => binary("==", call("toDate", a), b)),
  fc
    .tuple(
      early,
      pick("0ms", "1ms", "23h1ms", "-1h").map((text) => call("duration", value(text))),
    )
    .map(([a, b]) => binary("==", call("toTime", a), b)),
  fc
    .tuple(pick(...COMPARISONS), anyDatetime, anyDatetime)
    .map(([compare, a, b]) => binary(compare, a, b)),
  fc
    .tuple(pick(...COMPARISONS), anyDuration, anyDuration)
    .map(([compare, a, b]) => binary(compare, a, b)),
  // What a far moment is: how long after the first of 1970, in each unit.
  fc
    .tuple(
      pick("offset", "toDate", "toTime", "self"),
      anyDatetime,
      anyDuration,
      pick(...UNITS),
      pick(...COMPARISONS),
      anyLong,
    )
    .map(([fn, a, b, unit, compare, c]) => {
      const far = call("offset", a, b);
      const since = (of: Expression) =>
        call("durationSince", of, call("datetime", value("1970-01-01")));
      const length = {
        offset: since(far),
        toDate: since(call("toDate", far)),
        toTime: call("toTime", far),
        self: b,
      }[fn];
      return binary(compare, call(unit, length!), c);
    }),
);

/** Expressions about longs and extension values. */
export const ATOMS = [
  arithmetic,
  negation,
  decimals,
  equalMade,
  edges,
  twins,
  addresses,
  moments,
  moments,
];
