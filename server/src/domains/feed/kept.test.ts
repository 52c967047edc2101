import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keptPages } from "./kept.ts";

const MIB = 2 ** 20;
const event = {
  item: { offset: "0.1", channel: "entries", id: "a", time: "", data: null },
  at: { index: 0, ordinal: 1 },
  operation: "ledger.entry.get",
  resource: { type: "Entry", id: "a" },
};
const page = (bytes: number) =>
  Promise.resolve({ to: 1, size: 1, minimum: 0, revision: 0, events: [event], bytes });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each<[string, number, number, string[], number]>([
  ["as long as they are small", 3, MIB, ["0", "1", "2"], 3 * MIB],
  ["up to so many bytes", 20, MIB, Array.from({ length: 16 }, (_, i) => `${i + 4}`), 16 * MIB],
  ["up to so many", 300, 1, Array.from({ length: 256 }, (_, i) => `${i + 44}`), 256],
  ["never one that is larger than all may be", 1, 17 * MIB, [], 0],
])("pages are kept %s", async (_, count, bytes, places, kept_bytes) => {
  const kept = keptPages();
  for (let i = 0; i < count; i++) {
    kept.keep(String(i), page(bytes));
    await vi.advanceTimersByTimeAsync(0);
  }
  const all = Array.from({ length: count }, (_each, i) => String(i));
  expect(all.filter((place) => kept.find(place) !== undefined)).toEqual(places);
  expect(kept.bytes()).toBe(kept_bytes);
});

test("pages go when their time has passed, though nobody asks any more", async () => {
  const kept = keptPages();
  kept.keep("a", page(MIB));
  await vi.advanceTimersByTimeAsync(600);
  kept.keep("b", page(MIB));
  await vi.advanceTimersByTimeAsync(0);
  expect(kept.bytes()).toBe(2 * MIB);
  await vi.advanceTimersByTimeAsync(3_000);
  expect([kept.bytes(), kept.count()]).toEqual([0, 0]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a page that could not be read, or went while it was read, is not counted", async () => {
  const kept = keptPages();
  const failed = Promise.reject(new Error("gone"));
  kept.keep("a", failed);
  kept.keep("b", page(MIB));
  kept.forget("b");
  await vi.advanceTimersByTimeAsync(0);
  expect([kept.bytes(), kept.count()]).toEqual([0, 0]);
});
