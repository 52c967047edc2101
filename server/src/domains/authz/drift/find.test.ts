import { describe, expect, test } from "vitest";
import { type Finding, History } from "./find.ts";
import { CELLS_MAX, dayAfter, Tally, type Window } from "./window.ts";

const START = "2026-01-01";
const part = (name: string, allowed: number, denied = 0, errors = 0) => ({
  hash: name,
  cohort: `User["${name}"]`,
  action: "doc.read",
  resourceType: "Doc",
  allowed,
  denied,
  errors,
  deniedErrors: Math.min(denied, errors),
});
type Part = ReturnType<typeof part>;

function windowOf(
  number: number,
  parts: readonly Part[],
  first = { allowed: 0, denied: 0 },
): Window {
  const tally = new Tally();
  for (const one of parts) tally.add(one);
  return tally.window(dayAfter(START, number), first);
}

const USUAL = [part("a", 95, 5), part("b", 190, 10)];
const brief = ({ day, kind, cell, since }: Finding) => [day, kind, cell?.hash ?? null, since];
const empty = () => new History(0, { allowed: [], denied: [] });

/** Days 0 to `usual - 1` as usual, then these; what was found in them. */
function find(usual: number, ...days: Part[][]) {
  const history = empty();
  const windows = [...Array.from({ length: usual }, () => USUAL), ...days];
  return windows.flatMap((parts, i) => history.find(windowOf(i, parts)).findings).map(brief);
}

describe("a window", () => {
  test("has one hash, however its decisions were paged", () => {
    const whole = windowOf(0, [part("a", 3, 1, 1), part("b", 2)]);
    const paged = windowOf(0, [part("a", 1), part("b", 2), part("a", 2, 1, 1)]);
    expect(paged).toEqual(whole);
    const [one, two] = [part("a", 2), part("b", 2)];
    expect(windowOf(0, [one, two]).hash).toBe(windowOf(0, [two, one]).hash);
    expect([whole.decisions, whole.errors, whole.deniedErrors]).toEqual([6, 1, 1]);
    expect(windowOf(0, [part("a", 3, 1, 1), part("b", 3)]).hash).not.toBe(whole.hash);
    expect(windowOf(1, [part("a", 3, 1, 1), part("b", 2)]).hash).not.toBe(whole.hash);
  });

  test("keeps the cells with most decisions, and counts the others in its sums", () => {
    const parts = Array.from({ length: CELLS_MAX + 5 }, (_, i) => part(`c${i}`, 1 + (i % 2)));
    const { cells, cellsLeftOut, decisions } = windowOf(0, parts);
    expect([cells.length, cellsLeftOut]).toEqual([CELLS_MAX, 5]);
    expect(decisions).toBe(parts.reduce((sum, { allowed }) => sum + allowed, 0));
    expect(cells[0]!.allowed).toBe(2);
    expect(empty().find(windowOf(0, parts)).findings.map(brief)).toEqual([
      [START, "cells_left_out", null, null],
    ]);
  });
});

describe("what is found", () => {
  const day = (number: number) => dayAfter(START, number);
  test.each<[string, number, Part[][], unknown[]]>([
    ["nothing, day after day", 20, [USUAL], []],
    ["nothing in a quiet day", 20, [[], USUAL], []],
    ["nothing when traffic doubles", 20, [[part("a", 190, 10), part("b", 380, 20)]], []],
    [
      "a rate that fell, and with it the mix",
      20,
      [[part("a", 95, 5), part("b", 100, 100)]],
      [
        [day(20), "rate_changed", "b", day(20)],
        [day(20), "mix_moved", null, day(20)],
      ],
    ],
    [
      "a rate that fell is not told of again while it stays",
      20,
      Array.from({ length: 12 }, () => [part("a", 60, 40), part("b", 1_900, 100)]),
      [[day(20), "rate_changed", "a", day(20)]],
    ],
    [
      "what a cohort never did",
      7,
      [[...USUAL, part("c", 1)]],
      [[day(7), "first_allowed", "c", null]],
    ],
    [
      "what a cohort was never denied",
      7,
      [
        [...USUAL, part("c", 0, 2)],
        [...USUAL, part("c", 1)],
      ],
      [
        [day(7), "first_denied", "c", null],
        [day(8), "first_allowed", "c", null],
      ],
    ],
    ["nothing new while all is new", 6, [[...USUAL, part("c", 1)]], []],
    ["nothing for coming back after long", 60, [USUAL], []],
  ])("%s", (_, usual, days, wanted) => {
    expect(find(usual, ...days)).toEqual(wanted);
  });

  test("of one kind is a hundred at most; the others are counted", () => {
    const history = empty();
    for (let i = 0; i < 10; i++) history.find(windowOf(i, USUAL));
    const news = Array.from({ length: 130 }, (_, i) => part(`n${i}`, 1));
    const { findings, leftOut } = history.find(windowOf(10, [...USUAL, ...news]));
    expect([findings.length, leftOut]).toEqual([100, 30]);
  });

  test("does not depend on where a run began", () => {
    const windows = Array.from({ length: 40 }, (_, i) =>
      windowOf(i, [part("a", i < 30 ? 95 : 60, i < 30 ? 5 : 40), part("b", 190, 10)]),
    );
    const whole = empty();
    const all = windows.flatMap((window) => whole.find(window).findings);
    for (const cut of [5, 29, 30, 33]) {
      const later = new History(0, { allowed: [], denied: [] });
      for (const window of windows.slice(0, cut)) later.pass(window);
      for (const { day: at, kind, since, cell } of all)
        if (at < day(cut)) later.know({ kind, since, hash: cell?.hash ?? null });
      const rest = windows.slice(cut).flatMap((window) => later.find(window).findings);
      expect(rest).toEqual(all.filter(({ day: at }) => at >= day(cut)));
    }
    expect(all.length).toBeGreaterThan(0);
  });
});
