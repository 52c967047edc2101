import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { cedar } from "../src/domains/authz/cedar/policies.ts";
import { type Case, cases } from "./oracle/cases.ts";
import { cedarSays, keepsTo, type Said, Tally, weSay } from "./oracle/compare.ts";
import { probes } from "./oracle/probes.ts";
import { declared } from "./oracle/schemas.ts";
import { ACTIONS, pick, uid } from "./oracle/values.ts";

const NIGHTLY = process.env["SEALBASE_NIGHTLY"] === "1";
/** Another one is another day's work: `SEALBASE_SEED=7`. A failure prints it, with the smallest case. */
const SEED = Number(process.env["SEALBASE_SEED"] ?? 20_261_121);
const PATIENCE_MS = NIGHTLY ? 900_000 : 120_000;

afterAll(() => cedar.close());

/** Weighs cases with both engines until there is one that they do not agree on. */
async function compare(of: fc.Arbitrary<Case>, runs: number): Promise<Tally> {
  const tally = new Tally();
  const property = fc.asyncProperty(of, async (one) => {
    const [ours, theirs]: [readonly { decided: Said; traced: Said }[], Said[]] = [weSay(one), []];
    for (const [i, request] of one.requests.entries())
      theirs.push(await cedarSays({ ...one, entities: one.stores[i % 2]! }, request));
    theirs.forEach((said) => tally.said(said));
    expect(ours.map(({ decided }) => decided)).toEqual(theirs);
    expect(ours.map(({ traced }) => traced)).toEqual(theirs);
  });
  await fc.assert(property, { seed: SEED, numRuns: NIGHTLY ? runs * 10 : runs });
  return tally;
}

test(
  "policies with scopes, templates and links are decided as Cedar decides them",
  async () => {
    const tally = await compare(cases, 250);
    console.info(`policy sets: ${tally.text}`);
    expect(tally.of("requests")).toBeGreaterThanOrEqual(NIGHTLY ? 15_000 : 1_500);
    expect(tally.rate("allow")).toBeGreaterThan(0.15);
    expect(tally.rate("deny")).toBeGreaterThan(0.3);
    expect(tally.rate("errors")).toBeGreaterThan(0.15);
  },
  PATIENCE_MS,
);

test(
  "expressions at the edges of every operator are weighed as Cedar weighs them",
  async () => {
    const tally = await compare(probes, 250);
    console.info(`expressions: ${tally.text}, 30 in each`);
    expect(tally.of("requests")).toBeGreaterThanOrEqual(NIGHTLY ? 10_000 : 1_000);
    expect(tally.rate("policies that determine")).toBeGreaterThan(5);
    expect(tally.rate("policies that fail")).toBeGreaterThan(4);
  },
  PATIENCE_MS,
);

test(
  "questions that do not keep to a schema are the ones that Cedar refuses",
  async () => {
    const tally = new Tally();
    const property = fc.asyncProperty(declared, async ({ schema, entities, requests }) => {
      const said = await cedar.call("validate", { staticPolicies: {} }, schema);
      expect(said).toMatchObject({ type: "success" });
      const policies = { staticPolicies: {} };
      const theirs: boolean[] = [];
      for (const request of requests)
        theirs.push((await cedarSays({ policies, entities }, request, schema)) !== "refused");
      for (const kept of theirs) tally.add("requests", kept ? "kept to it" : "did not");
      expect(requests.map((request) => keepsTo(schema, entities, request))).toEqual(theirs);
    });
    await fc.assert(property, { seed: SEED, numRuns: NIGHTLY ? 2_000 : 200 });
    console.info(`schemas: ${tally.text}`);
    expect(tally.of("requests")).toBeGreaterThanOrEqual(NIGHTLY ? 12_000 : 1_200);
    expect(tally.rate("kept to it")).toBeGreaterThan(0.2);
    expect(tally.rate("did not")).toBeGreaterThan(0.2);
  },
  PATIENCE_MS,
);

test(
  "hierarchies with rings are the ones that Cedar refuses",
  async () => {
    const nodes = ["a", "b", "c", "d", "e"].map((id) => uid("Node", id));
    const graphs = fc.tuple(...nodes.map(() => fc.subarray(nodes, { maxLength: 2 })));
    const [request] = fc.sample(
      fc.record({ principal: pick(...nodes), action: pick(...ACTIONS), resource: pick(...nodes) }),
      { numRuns: 1, seed: SEED },
    );
    const tally = new Tally();
    const property = fc.asyncProperty(graphs, async (parents) => {
      const entities = nodes.map((own, i) => ({ uid: own, attrs: {}, parents: parents[i]! }));
      const one = {
        policies: { staticPolicies: {} },
        stores: [entities, entities] as const,
        requests: [{ ...request!, context: {} }],
      };
      const theirs = await cedarSays({ ...one, entities }, one.requests[0]!);
      tally.said(theirs);
      expect(weSay(one)[0]!.decided).toEqual(theirs);
    });
    await fc.assert(property, { seed: SEED, numRuns: NIGHTLY ? 2_000 : 200 });
    console.info(`hierarchies: ${tally.text}`);
    expect(tally.rate("refused")).toBeGreaterThan(0.1);
    expect(tally.rate("deny")).toBeGreaterThan(0.1);
  },
  PATIENCE_MS,
);
