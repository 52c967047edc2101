import { describe, expect, test } from "vitest";
import { call } from "./extension/index.ts";
import { Failure, isExtension, type Value } from "./value.ts";

/** Facts: docs.cedarpolicy.com/policies/syntax-datatypes.html, and RFC 80 of github.com/cedar-policy/rfcs for moments. */
const make = (fn: string, text: string) => call(fn, [text]) as Value;
const failed = (fn: string, ...values: readonly Value[]) => {
  const found = call(fn, values);
  return found instanceof Failure ? found.kind : found;
};
/** A text of the same value that its function takes. */
const shown = (value: unknown) => (value instanceof Failure ? value.kind : keyOf(value as Value));
const keyOf = (value: Value) =>
  typeof value === "object" && isExtension(value) ? value.key : value;

describe("a decimal: one to four places, 64 bits of ten-thousandths", () => {
  test.each([
    ["0.0", "0"],
    ["-0.0", "0"],
    ["1.5", "15000"],
    ["1.5000", "15000"],
    ["007.10", "71000"],
    ["-0.0001", "-1"],
    ["922337203685477.5807", "9223372036854775807"],
    ["-922337203685477.5808", "-9223372036854775808"],
  ])("%s", (text, key) => expect(keyOf(make("decimal", text))).toBe(key));

  test.each([
    "922337203685477.5808",
    "-922337203685477.5809",
    "1",
    "1.",
    ".5",
    "+1.0",
    "1.23456",
    "1e1.0",
    " 1.0",
    "1.0\n",
    "1,0",
    "١.0",
    `${"9".repeat(10_000)}.0`,
    "",
  ])("%j is none", (text) => expect(failed("decimal", text)).toBe("extension"));

  test("is compared as a number", () => {
    const [small, large] = [make("decimal", "-1.5"), make("decimal", "1.25")];
    expect(
      ["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"].map((fn) => [
        call(fn, [small, large]),
        call(fn, [small, small]),
        call(fn, [large, small]),
      ]),
    ).toEqual([
      [true, false, false],
      [true, true, false],
      [false, false, true],
      [false, true, true],
    ]);
  });
});

describe("an ipaddr: an address or a range of IPv4 or IPv6", () => {
  test.each([
    ["1.2.3.4", "1.2.3.4/32", true],
    ["10.0.0.0/8", "10.0.0.1/8", false],
    ["::1", "0:0:0:0:0:0:0:1/128", true],
    ["2001:DB8::", "2001:db8:0::0", true],
    ["::1.2.3.4", "1.2.3.4", null],
    ["::", "0.0.0.0", false],
  ])("%s and %s are the same: %s", (a, b, same) => {
    const [left, right] = [call("ip", [a]), call("ip", [b])];
    if (same === null) expect(left).toBeInstanceOf(Failure);
    else expect(keyOf(left as Value) === keyOf(right as Value)).toBe(same);
  });

  test.each([
    ["10.1.2.3", "10.0.0.0/8", true],
    ["11.0.0.0", "10.0.0.0/8", false],
    ["10.0.0.0/7", "10.0.0.0/8", false],
    ["10.0.0.0/8", "10.255.0.0/8", true],
    ["0.0.0.0/0", "0.0.0.0/0", true],
    ["255.255.255.255", "0.0.0.0/0", true],
    ["::1", "0.0.0.0/0", false],
    ["2001:db8::5", "2001:db8::/32", true],
    ["2001:db9::", "2001:db8::/32", false],
    ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0", true],
  ])("%s is in %s: %s", (a, range, is) =>
    expect(call("isInRange", [make("ip", a), make("ip", range)])).toBe(is),
  );

  // RFC 1122 3.2.1.3, RFC 5771, RFC 4291 2.5.3 and 2.7.
  test.each([
    ["127.255.255.255", [true, false, true, false]],
    ["128.0.0.0", [true, false, false, false]],
    ["127.0.0.0/7", [true, false, false, false]],
    ["224.0.0.0", [true, false, false, true]],
    ["239.255.255.255", [true, false, false, true]],
    ["240.0.0.0", [true, false, false, false]],
    ["::1", [false, true, true, false]],
    ["::2", [false, true, false, false]],
    ["ff02::1", [false, true, false, true]],
    ["fe00::", [false, true, false, false]],
  ])("%s is IPv4, IPv6, a loopback, a multicast: %j", (text, is) =>
    expect(
      ["isIpv4", "isIpv6", "isLoopback", "isMulticast"].map((fn) => call(fn, [make("ip", text)])),
    ).toEqual(is),
  );

  test.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.4/33",
    "1.2.3.4/08",
    "1.2.3.4/-1",
    "1.2.3.4/",
    "::/129",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4::5:6:7:8",
    "12345::",
    "::ffff:1.2.3.4",
    "fe80::1%eth0",
    " ::1",
    "0x7f.1",
    ":".repeat(10_000),
  ])("%j is none", (text) => expect(failed("ip", text)).toBe("extension"));
});

describe("a datetime: a day, a time of UTC or with an offset", () => {
  test.each([
    ["1970-01-01", 0],
    ["1970-01-01T00:00:00.001Z", 1],
    ["1969-12-31T23:59:59.999Z", -1],
    ["1970-01-01T01:00:00+0100", 0],
    ["1969-12-31T22:30:00-0130", 0],
    ["2000-02-29", Date.UTC(2000, 1, 29)],
    ["0000-01-01", -62_167_219_200_000],
    ["9999-12-31T23:59:59.999Z", 253_402_300_799_999],
    ["9999-12-31T23:59:59.999-2359", 253_402_300_799_999 + 86_340_000],
  ])("%s", (text, ms) => expect(shown(make("datetime", text))).toBe(String(ms)));

  test.each([
    "2023-02-29",
    "1900-02-29",
    "2024-00-01",
    "2024-13-01",
    "2024-04-31",
    "2024-01-01T24:00:00Z",
    "2024-01-01T00:60:00Z",
    "2024-01-01T00:00:60Z",
    "2024-01-01T00:00:00",
    "2024-01-01T00:00Z",
    "2024-01-01T00:00:00.12Z",
    "2024-01-01T00:00:00+2400",
    "2024-01-01T00:00:00+0060",
    "2024-01-01T00:00:00+01:00",
    "2024-01-01 00:00:00Z",
    "24-01-01",
    "-001-01-01",
    "2024-01-01T00:00:00Z\n",
    "",
  ])("%j is none", (text) => expect(failed("datetime", text)).toBe("extension"));

  test.each([
    ["toDate", "1969-12-31T23:00:00Z", -86_400_000],
    ["toDate", "1970-01-01T23:59:59.999Z", 0],
    ["toTime", "1969-12-31T23:00:00Z", 82_800_000],
    ["toTime", "1970-01-02", 0],
  ])("%s of %s", (fn, text, ms) =>
    expect(shown(call(fn, [make("datetime", text)]))).toBe(String(ms)),
  );
});

describe("a duration: days to milliseconds, 64 bits", () => {
  test.each([
    ["1d2h3m4s5ms", "93784005"],
    ["-1d2h", "-93600000"],
    ["0ms", "0"],
    ["-0d", "0"],
    ["90m", "5400000"],
    ["9223372036854775807ms", "9223372036854775807"],
    ["-9223372036854775808ms", "-9223372036854775808"],
    ["106751991167d7h12m55s807ms", "9223372036854775807"],
  ])("%s", (text, key) => expect(keyOf(make("duration", text))).toBe(key));

  test.each([
    "",
    "-",
    "1",
    "ms",
    "1m1h",
    "1h1h",
    "1.5h",
    "+1h",
    "1 h",
    "1w",
    "9223372036854775808ms",
    "-9223372036854775809ms",
    "106751991167d7h12m55s808ms",
    `${"9".repeat(10_000)}ms`,
  ])("%j is none", (text) => expect(failed("duration", text)).toBe("extension"));

  test.each([
    ["toMilliseconds", "-1500ms", -1_500],
    ["toSeconds", "-1500ms", -1],
    ["toMinutes", "119s", 1],
    ["toHours", "-119m", -1],
    ["toDays", "47h", 1],
    ["toDays", "9223372036854775807ms", 106_751_991_167],
    ["toMilliseconds", "9223372036854775807ms", 2n ** 63n - 1n],
  ])("%s of %s rounds toward zero", (fn, text, expected) =>
    expect(call(fn, [make("duration", text)])).toBe(expected),
  );

  test("has no place beyond 64 bits, nor has a moment", () => {
    const most = make("duration", "9223372036854775807ms");
    const least = make("duration", "-9223372036854775808ms");
    const [first, late] = [make("datetime", "1970-01-01"), make("datetime", "1970-01-02")];
    expect(failed("offset", late, most)).toBe("overflow");
    expect(shown(call("offset", [first, most]))).toBe("9223372036854775807");
    const farthest = call("offset", [first, least]) as Value;
    expect(shown(farthest)).toBe("-9223372036854775808");
    expect(failed("durationSince", late, farthest)).toBe("overflow");
    expect(failed("toDate", farthest)).toBe("overflow");
    expect(shown(call("toTime", [farthest]))).toMatch(/^\d+$/);
  });
});

test.each([
  ["decimal", 1],
  ["isIpv4", "127.0.0.1"],
  ["toDate", call("duration", ["1h"]) as Value],
  ["lessThan", "1.0", "2.0"],
])("%s takes its own types only", (fn, ...values) =>
  expect(failed(fn, ...(values as Value[]))).toBe("type"),
);
