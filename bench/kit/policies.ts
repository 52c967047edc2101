import type {
  EntityJson,
  Expression,
  Policy,
  PolicySetJson,
} from "../../server/src/domains/authz/engine/index.ts";

/** A team's policies: roles, ownership, bounds on amounts and times; a tenth of them forbid. */
export function teamPolicies(count: number): PolicySetJson {
  const policies = Array.from({ length: count }, (_, i) => [`policy${i}`, teamPolicy(i)] as const);
  return { staticPolicies: Object.fromEntries(policies) };
}

const ACTIONS = 10;

function teamPolicy(i: number): Policy {
  const forbids = i % 10 === 9;
  return {
    effect: forbids ? "forbid" : "permit",
    principal:
      i % 3 === 0 ? { op: "in", entity: { type: "Team", id: `t${i % 20}` } } : { op: "All" },
    action:
      i % 4 === 0
        ? { op: "in", entity: { type: "Action", id: "any" } }
        : { op: "==", entity: { type: "Action", id: `a${i % ACTIONS}` } },
    resource: i % 2 === 0 ? { op: "is", entity_type: "Doc" } : { op: "All" },
    conditions: [{ kind: "when", body: forbids ? tooMuch(i) : owns(i) }],
  };
}

const attribute = (Var: "principal" | "resource" | "context", attr: string): Expression => ({
  ".": { left: { Var }, attr },
});
const both = (left: Expression, right: Expression): Expression => ({ "&&": { left, right } });
const two = (operator: string, left: Expression, right: Expression) =>
  ({ [operator]: { left, right } }) as Expression;

const owns = (i: number): Expression =>
  both(
    two("==", attribute("resource", "owner"), { Var: "principal" }),
    both(
      two("<=", attribute("context", "amount"), { Value: 1_000 + i }),
      two("contains", { Set: [{ Value: "a" }, { Value: "b" }] }, attribute("resource", "label")),
    ),
  );

const tooMuch = (i: number): Expression =>
  both(two(">", attribute("context", "amount"), { Value: 100_000 + i }), {
    "!": { arg: two("==", attribute("principal", "level"), { Value: 9 }) },
  });

/** Who asks, what for, and what is known of both. */
export const ENTITIES: EntityJson[] = [
  { uid: { type: "User", id: "ada" }, attrs: { level: 3 }, parents: [{ type: "Team", id: "t1" }] },
  { uid: { type: "Team", id: "t1" }, attrs: {}, parents: [{ type: "Team", id: "t0" }] },
  { uid: { type: "Team", id: "t0" }, attrs: {}, parents: [] },
  {
    uid: { type: "Doc", id: "d" },
    attrs: { owner: { __entity: { type: "User", id: "ada" } }, label: "b" },
    parents: [],
  },
  { uid: { type: "Action", id: "a1" }, attrs: {}, parents: [{ type: "Action", id: "any" }] },
];

export const REQUEST = {
  principal: { type: "User", id: "ada" },
  action: { type: "Action", id: "a1" },
  resource: { type: "Doc", id: "d" },
  context: { amount: 500 },
};
