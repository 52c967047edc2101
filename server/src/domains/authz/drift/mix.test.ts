import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addMixes, distance, type Mix, mixMove, type Quaternion, quaternionOf } from "./mix.ts";

const mix = (allowed: number, denied = 0, first = 0, erred = 0): Mix => ({
  allowed,
  first,
  denied,
  erred,
});
const counts = fc.nat({ max: 1_000_000 });
const mixes = fc
  .record({ allowed: counts, first: counts, denied: counts, erred: counts })
  .filter(({ allowed, first, denied, erred }) => allowed + first + denied + erred > 0);
const norm = ({ w, x, y, z }: Quaternion) => Math.hypot(w, x, y, z);
const dot = (q: Quaternion, r: Quaternion) => q.w * r.w + q.x * r.x + q.y * r.y + q.z * r.z;

describe("a mix as a quaternion", () => {
  test.each<[Mix, Quaternion | null]>([
    [mix(0), null],
    [mix(10), { w: 1, x: 0, y: 0, z: 0 }],
    [mix(1, 1, 1, 1), { w: 0.5, x: 0.5, y: 0.5, z: 0.5 }],
    [mix(64, 36), { w: 0.8, x: 0, y: 0.6, z: 0 }],
    // The bits, so that another machine or engine that gives others is seen.
    [mix(2, 1), { w: 0.816496580927726, x: 0, y: 0.5773502691896257, z: 0 }],
  ])("%o", (given, wanted) => {
    expect(quaternionOf(given)).toEqual(wanted);
  });

  test("is of unit length, and the same when traffic grows without changing", () => {
    fc.assert(
      fc.property(mixes, fc.integer({ min: 2, max: 1_000 }), (given, factor) => {
        const q = quaternionOf(given)!;
        expect(Math.abs(norm(q) - 1)).toBeLessThan(1e-12);
        const grown = addMixes(Array.from({ length: factor }, () => given));
        expect(distance(q, quaternionOf(grown)!)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});

describe("the distance", () => {
  test("is 2 acos |dot|, from 0 to π, the same both ways and for q and -q", () => {
    fc.assert(
      fc.property(mixes, mixes, (a, b) => {
        const [q, r] = [quaternionOf(a)!, quaternionOf(b)!];
        const d = distance(q, r);
        expect(d).toBe(distance(r, q));
        expect(Math.abs(d - 2 * Math.acos(Math.min(1, Math.abs(dot(q, r)))))).toBeLessThan(1e-6);
        expect(d).toBeGreaterThanOrEqual(0);
        expect(d).toBeLessThanOrEqual(Math.PI);
        const opposite = { w: -r.w, x: -r.x, y: -r.y, z: -r.z };
        expect(distance(q, opposite)).toBe(d);
      }),
    );
  });

  test("of opposites is a number, and 0", () => {
    expect(distance({ w: 1, x: 0, y: 0, z: 0 }, { w: -1, x: 0, y: 0, z: 0 })).toBe(0);
    expect(distance({ w: 1, x: 0, y: 0, z: 0 }, { w: 0, x: 0, y: 1, z: 0 })).toBe(Math.PI);
  });

  test("obeys the triangle inequality", () => {
    fc.assert(
      fc.property(mixes, mixes, mixes, (a, b, c) => {
        const [p, q, r] = [quaternionOf(a)!, quaternionOf(b)!, quaternionOf(c)!];
        expect(distance(p, r)).toBeLessThanOrEqual(distance(p, q) + distance(q, r) + 1e-8);
      }),
    );
  });
});

describe("a move of the mix", () => {
  const usual = Array.from({ length: 8 }, (_, i) => mix(950 + (i % 3), 50 - (i % 3)));
  test.each<[string, Mix[], boolean | null]>([
    ["nothing before", [mix(10)], null],
    ["too little before", [mix(10), mix(10), mix(5)], null],
    ["nothing now", [...usual, mix(0)], null],
    ["the same", [...usual, mix(951, 49)], false],
    ["ten times the traffic", [...usual, mix(9_510, 490)], false],
    ["many denials", [...usual, mix(700, 300)], true],
    ["many first times", [...usual, mix(850, 50, 100)], true],
    ["many errors", [...usual, mix(900, 20, 0, 80)], true],
    // What it cannot see: the same shares of other calls.
    ["two actions that changed places", [...usual, mix(950, 50)], false],
    ["sure, but too small to matter", [...usual, mix(93_500, 6_500)], false],
    ["far, but of too few to be sure", [...usual, mix(4, 1)], false],
  ])("%s", (_, given, moved) => {
    expect(mixMove(given)?.moved ?? null).toBe(moved);
  });

  test("is held to what the days before differ by among themselves", () => {
    const restless = Array.from({ length: 20 }, (_, i) =>
      i % 2 === 0 ? mix(990, 10) : mix(850, 150),
    );
    const steady = Array.from({ length: 20 }, () => mix(920, 80));
    const now = mix(820, 180);
    expect([mixMove([...restless, now])!.moved, mixMove([...steady, now])!.moved]).toEqual([
      false,
      true,
    ]);
  });
});
