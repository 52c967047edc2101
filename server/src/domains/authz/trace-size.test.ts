import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ActionScope,
  type Expression,
  type Policy,
  PolicySet,
  type PolicySetJson,
  Schema,
  type SchemaJson,
  type Scope,
} from "./engine/index.ts";
import { ENGINES } from "./engines.ts";
import { decideBy } from "./policy.ts";
import { longestTrace } from "./trace-size.ts";

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  read: [],
  write: [],
  doc: [],
  "doc.page": ["doc"],
  "doc.page.read": ["doc.page", "read"],
  "doc.page.write": ["doc.page", "write"],
  "log.read": ["read"],
};
const TYPES: Readonly<Record<string, readonly string[]>> = {
  "doc.page.read": ["Page", "Line"],
  "doc.page.write": ["Page"],
  "log.read": ["Log"],
};
const schemaOf = (groups: typeof GROUPS, types: typeof TYPES): Schema => {
  const all = Object.entries(groups).map(([id, memberOf]) => ({
    [id]: {
      memberOf: memberOf.map((id) => ({ id })),
      ...(types[id] === undefined
        ? {}
        : { appliesTo: { principalTypes: ["User"], resourceTypes: types[id] } }),
    },
  }));
  const json: SchemaJson = { "": { entityTypes: {}, actions: Object.assign({}, ...all) } };
  return new Schema(json);
};
const schema = schemaOf(GROUPS, TYPES);

/** Everything that an action is in. */
const within = (action: string): string[] =>
  (GROUPS[action] ?? []).flatMap((group) => [group, ...within(group)]);

const all = { op: "All" } as const;
const anything: Policy = {
  effect: "permit",
  principal: all,
  action: all,
  resource: all,
  conditions: [],
};
const to = (id: string): ActionScope => ({ op: "in", entity: { type: "Action", id } });
const copies = (count: number, of: Partial<Policy>, name: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [name + i, { ...anything, ...of }]));
const longest = (staticPolicies: PolicySetJson["staticPolicies"]) =>
  longestTrace({ staticPolicies }, schema)!;

describe("the longest trace that there may be", () => {
  test.each<[string, PolicySetJson["staticPolicies"], number, [string, string]]>([
    ["holds what is about everything", copies(9, {}, "p"), 9, ["doc.page.read", "Page"]],
    [
      "is that of the action with most policies, its groups' among them",
      { ...copies(3, { action: to("read") }, "r"), ...copies(5, { action: to("write") }, "w") },
      5,
      ["doc.page.write", "Page"],
    ],
    [
      "holds those of all groups that an action is in, and of the action itself",
      {
        ...copies(2, { action: to("doc") }, "d"),
        ...copies(3, { action: to("read") }, "r"),
        ...copies(4, { action: to("write") }, "w"),
        own: { ...anything, action: { ...to("log.read"), op: "==" } as ActionScope },
      },
      6,
      ["doc.page.write", "Page"],
    ],
    [
      "holds a policy once that names two of its groups",
      {
        p: {
          ...anything,
          action: { op: "in", entities: ["doc", "read"].map((id) => ({ type: "Action", id })) },
        },
      },
      1,
      ["doc.page.read", "Page"],
    ],
    [
      "is that of the type with most policies",
      {
        ...copies(3, { resource: { op: "is", entity_type: "Page" } }, "p"),
        ...copies(4, { resource: { op: "==", entity: { type: "Log", id: "a" } } }, "l"),
        ...copies(1, {}, "a"),
      },
      5,
      ["log.read", "Log"],
    ],
    [
      "holds nothing that no question reaches",
      copies(3, { action: to("nothing") }, "p"),
      0,
      ["doc.page.read", "Page"],
    ],
  ])("%s", (_, policies, count, [action, resourceType]) => {
    expect(longest(policies)).toMatchObject({ policies: count, about: { action, resourceType } });
  });

  test("counts all policies where actions are in more groups than are looked through", () => {
    const names = Array.from({ length: 1_000 }, (_, i) => `a${i}`);
    const [first, ...rest] = names;
    const groups = { all: names, ...Object.fromEntries(names.map((name) => [name, []])) };
    const wide = Object.fromEntries(rest.map((_, i) => [`w${i}`, ["all"]]));
    const types = Object.fromEntries(rest.map((_, i) => [`w${i}`, ["Page"]]));
    const policies = { staticPolicies: copies(3, { action: to(`${first}-not`) }, "p") };
    const found = longestTrace(policies, schemaOf({ ...groups, ...wide }, types));
    expect(found).toMatchObject({ policies: 3, about: null });
  });

  const attr = fc.string({ unit: "binary", minLength: 1, maxLength: 200 });
  const value = (v: boolean | string): Expression => ({ Value: v });
  const context = (name: string): Expression => ({
    ".": { left: { Var: "context" }, attr: name },
  });
  const two = (op: string, left: Expression, right: Expression) =>
    ({ [op]: { left, right } }) as Expression;
  const clause = fc.oneof(
    attr.map(context),
    attr.map((name) => two("==", context(name), value(name))),
    attr.map((name) => two("contains", { Set: [value(name)] }, value(name))),
    fc.boolean().map(value),
  );
  const uid = (type: string) => (id: string) => ({ type, id });
  const actionUid = fc.constantFrom(...Object.keys(GROUPS)).map(uid("Action"));
  const type = fc.constantFrom("Page", "Line", "Log");
  const resource = fc.oneof(
    fc.constant<Scope>(all),
    type.map((entity_type): Scope => ({ op: "is", entity_type })),
    type.map((of): Scope => ({ op: "==", entity: { type: of, id: "1" } })),
    type.map((of): Scope => ({ op: "in", entity: { type: of, id: "1" } })),
  );
  const action = fc.oneof(
    fc.constant<ActionScope>(all),
    actionUid.map((entity): ActionScope => ({ op: "==", entity })),
    actionUid.map((entity): ActionScope => ({ op: "in", entity })),
    fc.array(actionUid, { maxLength: 3 }).map((entities): ActionScope => ({ op: "in", entities })),
  );
  const conditions = fc.array(
    fc.tuple(clause, clause).map(([left, right]) => ({
      kind: "when" as const,
      body: two("&&", left, right),
    })),
    { maxLength: 3 },
  );
  const policy = fc.record<Policy>({
    effect: fc.constantFrom("permit", "forbid"),
    principal: fc.constant(all),
    action,
    resource,
    conditions,
  });

  test("is never shorter than one that a decision leaves, and names what such a one is about", () => {
    let reached = 0;
    fc.assert(
      fc.property(fc.dictionary(attr, policy, { maxKeys: 8 }), (staticPolicies) => {
        const { bytes, policies, about } = longest(staticPolicies);
        const set = new PolicySet({ staticPolicies });
        const by = { id: "v", hash: "", schemaHash: null, engine: ENGINES.current, policies: set };
        for (const [id, types] of Object.entries(TYPES))
          for (const of of types) {
            const { steps, reasons, errors } = decideBy(by, {
              principal: { type: "User", id: "ada", groups: [] },
              action: { id, groups: within(id) },
              resource: { type: of, id: "1" },
              context: { kind: "a" },
            });
            const read = steps.map((one) => ({ ...one, conditions: JSON.parse(one.conditions) }));
            const trace = JSON.stringify([read, reasons, errors]);
            expect(Buffer.byteLength(trace)).toBeLessThanOrEqual(bytes);
            if (id !== about!.action || of !== about!.resourceType) continue;
            expect(steps).toHaveLength(policies);
            reached += policies;
          }
      }),
      { numRuns: 500 },
    );
    // Otherwise it would say nothing.
    expect(reached).toBeGreaterThan(500);
  });
});
