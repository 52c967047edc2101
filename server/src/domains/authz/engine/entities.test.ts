import { describe, expect, test } from "vitest";
import { ANCESTRY_MAX } from "./entities.ts";
import type { EntityJson, EntityUid } from "./est.ts";
import { entitiesOf, Malformed } from "./from-json.ts";
import { EntityRef } from "./value.ts";

const node = (id: string | number): EntityUid => ({ type: "Node", id: String(id) });
const ref = (id: string | number): EntityRef => new EntityRef("Node", String(id));
const entity = (id: string | number, ...parents: (string | number)[]): EntityJson => ({
  uid: node(id),
  parents: parents.map(node),
});
const chain = (length: number): EntityJson[] => Array.from({ length }, (_, i) => entity(i, i + 1));
const refused = (json: unknown) => {
  try {
    entitiesOf(json as EntityJson[]);
  } catch (error) {
    expect(error).toBeInstanceOf(Malformed);
    const { at, message, help } = error as Malformed;
    expect(help).toMatch(/\.$/);
    return [at, message];
  }
  return null;
};

describe("a hierarchy", () => {
  test("holds itself, parents, their parents, and what is named but not told", () => {
    const entities = entitiesOf([entity("a", "b", "c"), entity("b", "d"), entity("d", "untold")]);
    const groups = ["a", "b", "c", "d", "untold", "x"].map((id) =>
      entities.isIn(ref("a"), ref(id)),
    );
    expect(groups).toEqual([true, true, true, true, true, false]);
    expect(entities.isIn(ref("untold"), ref("untold"))).toBe(true);
    expect(entities.isIn(ref("d"), ref("a"))).toBe(false);
  });

  test("may join again", () => {
    const entities = entitiesOf([entity("a", "b", "c"), entity("b", "d"), entity("c", "d")]);
    expect([...entities.ancestors(ref("a"))].sort()).toEqual(
      ["b", "c", "d"].map((id) => ref(id).key),
    );
  });

  test("with as many ways up as one likes is walked once", () => {
    const layers = Array.from({ length: 60 }, (_, i) => [
      entity(`l${i}`, `l${i + 1}`, `r${i + 1}`),
      entity(`r${i}`, `l${i + 1}`, `r${i + 1}`),
    ]).flat();
    const start_ms = performance.now();
    expect(entitiesOf(layers).isIn(ref("l0"), ref("r60"))).toBe(true);
    expect(performance.now() - start_ms).toBeLessThan(1_000);
  });

  test.each<[string, unknown, [string, RegExp]]>([
    ["in itself", [entity("a", "a")], ["entities", /in a ring: Node::"a" in Node::"a"/]],
    [
      "in itself through others",
      [entity("x", "a"), entity("a", "b"), entity("b", "c"), entity("c", "a")],
      ["entities", /ring: Node::"a" in Node::"b" in Node::"c" in Node::"a"/],
    ],
    ["too deep", chain(ANCESTRY_MAX + 1), ["entities", /more than 64 steps from a root/]],
    ["of 20,000 in a row", chain(20_000), ["entities", /more than 64 steps/]],
    ["told twice", [entity("a"), entity("b"), entity("a")], ["entities[2]", /is there twice/]],
    [
      "with a parent without a name",
      [{ uid: node("a"), parents: [{ type: "Node" }] }],
      ["entities[0].parents[0]", /no entity's name/],
    ],
    [
      "of a type that is no name",
      [{ uid: { type: "No de", id: "a" } }],
      ["entities[0].uid", /no entity's name/],
    ],
    [
      "with half a fraction",
      [{ uid: node("a"), attrs: { n: 0.5 } }],
      ["entities[0].attrs.n", /whole number/],
    ],
    [
      "with an unsafe integer",
      [{ uid: node("a"), attrs: { n: [2 ** 53] } }],
      ["entities[0].attrs.n[0]", /whole number/],
    ],
    ["with null", [{ uid: node("a"), tags: { t: null } }], ["entities[0].tags.t", /null/]],
    [
      "with no such extension",
      [{ uid: node("a"), attrs: { a: { __extn: { fn: "uuid", arg: "" } } } }],
      ["entities[0].attrs.a", /no extension value/],
    ],
  ])("%s is refused, with the place", (_, json, [at, message]) =>
    expect(refused(json)).toEqual([at, expect.stringMatching(message)]),
  );

  test("of the greatest depth is taken", () => {
    const entities = entitiesOf(chain(ANCESTRY_MAX));
    expect(entities.isIn(ref(0), ref(ANCESTRY_MAX))).toBe(true);
  });
});
