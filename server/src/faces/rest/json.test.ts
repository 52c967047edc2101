import fc from "fast-check";
import { expect, test } from "vitest";
import { depthOf } from "./json.ts";

const depth = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? 1 + Math.max(0, ...Object.values(value).map(depth))
    : 0;

test("the depth of a text is that of what it says, whatever its strings hold", () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 8 }),
      (value) => depthOf(JSON.stringify(value)) === depth(value),
    ),
  );
});

test.each<[string, number]>([
  ["", 0],
  ['"[[["', 0],
  ['["\\"[["]', 1],
  ['["\\\\",[]]', 2],
  ['"never closed [[', 0],
  ["[".repeat(100_000), 100_000],
  ["]]]][", 0],
])("the depth of a text is measured without reading it: case %#", (text, wanted) =>
  expect(depthOf(text)).toBe(wanted),
);
