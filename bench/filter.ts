import { createRequire } from "node:module";
import type * as Cedar from "@cedar-policy/cedar-wasm/nodejs";
import {
  EntityRef,
  type Expression,
  entitiesOf,
  type Policy,
  PolicySet,
  type Request,
  recordOf,
  Schema,
} from "../server/src/domains/authz/engine/index.ts";
import { authorizedFilter, filterText } from "../server/src/domains/authz/filter/filter.ts";
import { measure } from "./kit/claim.ts";
import { interleave, median, medianRatio, percentile } from "./kit/rounds.ts";

const cedar = createRequire(new URL("../server/package.json", import.meta.url))(
  "@cedar-policy/cedar-wasm/nodejs",
) as typeof Cedar;

const SIZES = [10, 100, 1_000];
/** The size that the claim is about; the others are told. */
const CLAIMED = 100;
const ROUNDS = 7;
const TIMES = 100;

const SCHEMA = new Schema({
  "": {
    entityTypes: {
      User: { memberOfTypes: ["Team"] },
      Team: {},
      Folder: { memberOfTypes: ["Folder"] },
      Doc: {
        memberOfTypes: ["Folder"],
        shape: {
          type: "Record",
          attributes: {
            owner: { type: "Entity", name: "User" },
            team: { type: "Entity", name: "Team", required: false },
            size: { type: "Long" },
          },
        },
      },
    },
    actions: Object.fromEntries(
      Array.from({ length: 10 }, (_, i) => [
        `a${i}`,
        { appliesTo: { principalTypes: ["User"], resourceTypes: ["Doc"] } },
      ]),
    ),
  },
});

const MAPPING = {
  table: "docs",
  id: { column: "id" },
  parents: [{ type: "Folder", column: "folder" }],
  attributes: { owner: { column: "owner" }, team: { column: "team" }, size: { column: "size" } },
  hierarchy: {
    Folder: { table: "folders", id: { column: "id" }, parents: [{ type: "Folder", column: "up" }] },
  },
};

const of = (attr: string): Expression => ({ ".": { left: { Var: "resource" }, attr } });
const two = (name: string, left: Expression, right: Expression) =>
  ({ [name]: { left, right } }) as Expression;
const principal: Expression = { Var: "principal" };

const CONDITIONS: readonly ((i: number) => Expression)[] = [
  () => two("==", of("owner"), principal),
  () =>
    two(
      "&&",
      { has: { left: { Var: "resource" }, attr: "team" } },
      two("in", principal, of("team")),
    ),
  (i) =>
    two("in", { Var: "resource" }, { Value: { __entity: { type: "Folder", id: `f${i % 20}` } } }),
  (i) => two(">", of("size"), { Value: i }),
];

const policies = (count: number) => ({
  staticPolicies: Object.fromEntries(
    Array.from({ length: count }, (_, i): [string, Policy] => [
      `policy${i}`,
      {
        effect: i % 10 === 9 ? "forbid" : "permit",
        principal:
          i % 3 === 0 ? { op: "in", entity: { type: "Team", id: `t${i % 6}` } } : { op: "All" },
        action:
          i % 4 === 0 ? { op: "All" } : { op: "==", entity: { type: "Action", id: `a${i % 10}` } },
        resource: { op: "is", entity_type: "Doc" },
        conditions: [{ kind: "when", body: CONDITIONS[i % CONDITIONS.length]!(i) }],
      },
    ]),
  ),
});

const TOLD = [
  { uid: { type: "User", id: "ada" }, attrs: {}, parents: [{ type: "Team", id: "t0" }] },
];

const request = (): Request => ({
  principal: new EntityRef("User", "ada"),
  action: new EntityRef("Action", "a1"),
  resource: new EntityRef("Doc", ""),
  context: recordOf({}, "context"),
  entities: entitiesOf(TOLD),
});

const DOC = {
  uid: { type: "Doc", id: "d" },
  attrs: { owner: { __entity: { type: "User", id: "bob" } }, size: 5 },
  parents: [],
};

/** Milliseconds of each time, and then half of them. */
const half = (work: () => unknown) => async (): Promise<number> => {
  const times: number[] = [];
  for (let i = 0; i < TIMES; i++) {
    const from = performance.now();
    work();
    times.push(performance.now() - from);
  }
  return percentile(times, 50);
};

await measure(
  {
    name: "filter",
    says: `compiling the filter of a list by ${CLAIMED} policies to SQL, median; beside it one decision of Cedar's stateful call about one row`,
    unit: "ms",
    target: 1,
    bound: "max",
  },
  async () => {
    const notes: string[] = [];
    const figures: Record<string, number> = {};
    let ours = 0;
    for (const size of SIZES) {
      const json = policies(size);
      const set = new PolicySet(json);
      cedar.preparsePolicySet(`f${size}`, json as never);
      const compile = () => filterText(authorizedFilter(set, SCHEMA, request(), MAPPING));
      const decide = () =>
        cedar.statefulIsAuthorized({
          principal: { type: "User", id: "ada" },
          action: { type: "Action", id: "a1" },
          resource: { type: "Doc", id: "d" },
          context: {},
          preparsedPolicySetId: `f${size}`,
          entities: [...TOLD, DOC] as never,
        });
      const { text, params } = compile();
      if (decide().type !== "success" || params.length === 0)
        throw new Error("nothing is compiled");
      const sides = [half(compile), half(decide)];
      await interleave(1, sides);
      const [a, b] = (await interleave(ROUNDS, sides)) as [number[], number[]];
      const found = median(a);
      if (size === CLAIMED) ours = found;
      figures[`${size} policies, ms`] = found;
      figures[`${size} policies, of one decision of Cedar's`] = medianRatio(a, b);
      notes.push(
        `${size} policies: ${found.toFixed(3)} ms, ${medianRatio(a, b).toFixed(2)} of one decision of Cedar's (${median(b).toFixed(3)} ms); ${text.length} characters of SQL, ${params.length} parameters`,
      );
    }
    return { ours, theirs: null, figure: ours, notes, figures };
  },
);
