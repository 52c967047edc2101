import { expect, it } from "vitest";
import { delayOf, retryAfterOf } from "../src/backoff.ts";

it.each([
  [1, 0, 100],
  [1, 1, 50],
  [3, 0, 400],
  [30, 0, 5_000],
])("after attempt %i with random %d, waits %d ms", (attempt, random, ms) => {
  expect(delayOf(attempt, random)).toBe(ms);
});

it.each([
  [null, undefined],
  ["2", 2_000],
  ["Thu, 01 Jan 1970 00:00:05 GMT", 4_000],
  ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ["soon", undefined],
])("Retry-After %j at second 1 asks for %s ms", (header, ms) => {
  expect(retryAfterOf(header, 1_000)).toBe(ms);
});
