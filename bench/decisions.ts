import { createRequire } from "node:module";
import type * as CedarModule from "@cedar-policy/cedar-wasm/nodejs";
import {
  EntityRef,
  entitiesOf,
  PolicySet,
  type Request,
  recordOf,
} from "../server/src/domains/authz/engine/index.ts";
import { measure } from "./kit/claim.ts";
import { ENTITIES, REQUEST, teamPolicies } from "./kit/policies.ts";
import { interleave, median, medianRatio, spread } from "./kit/rounds.ts";

type Cedar = typeof CedarModule;
const cedar = createRequire(new URL("../server/package.json", import.meta.url))(
  "@cedar-policy/cedar-wasm/nodejs",
) as Cedar;

const SIZES = [10, 100, 1_000];
/** What is asked of each size, as the smallest of these names it. */
const TARGETS: Readonly<Record<number, number>> = { 10: 20, 100: 30, 1_000: 30 };
const ROUNDS = 7;

/** Entities and context are read from JSON for each decision, as Cedar's call reads them. */
const request = (): Request => ({
  principal: new EntityRef(REQUEST.principal.type, REQUEST.principal.id),
  action: new EntityRef(REQUEST.action.type, REQUEST.action.id),
  resource: new EntityRef(REQUEST.resource.type, REQUEST.resource.id),
  context: recordOf(REQUEST.context, "context"),
  entities: entitiesOf(ENTITIES),
});

/** Decisions a second. */
const rate = (times: number, decide: () => unknown) => async (): Promise<number> => {
  const from = performance.now();
  for (let i = 0; i < times; i++) decide();
  return (times * 1_000) / (performance.now() - from);
};

await measure(
  {
    name: "decisions",
    says: `decisions a second with ${SIZES.join(", ")} policies, entities read from JSON each time, against Cedar's stateful call (the worst size, in parts of its target)`,
    unit: "per second",
    target: 1,
    bound: "min",
  },
  async () => {
    const notes: string[] = [];
    const figures: Record<string, number> = {};
    let worst = { part: Number.POSITIVE_INFINITY, ours: 0, theirs: 0 };
    for (const size of SIZES) {
      const json = teamPolicies(size);
      const ours = new PolicySet(json);
      const name = `p${size}`;
      cedar.preparsePolicySet(name, json as never);
      const call = { ...REQUEST, preparsedPolicySetId: name, entities: ENTITIES as never };
      const theirs = () => cedar.statefulIsAuthorized(call);
      const mine = () => ours.decide(request());
      check(mine(), theirs());
      const times = Math.ceil(20_000 / size) + 200;
      const sides = [rate(times * 10, mine), rate(Math.ceil(times / 10), theirs)];
      await interleave(1, sides);
      const [a, b] = await interleave(ROUNDS, sides);
      const ratio = medianRatio(a!, b!);
      notes.push(spread(`${size} policies: ours`, a!), spread(`${size} policies: Cedar`, b!));
      notes.push(`${size} policies: ${ratio.toFixed(1)} x, target ${TARGETS[size]}`);
      figures[`${size} policies`] = ratio;
      const part = ratio / TARGETS[size]!;
      if (part < worst.part) worst = { part, ours: median(a!), theirs: median(b!) };
    }
    return { ours: worst.ours, theirs: worst.theirs, figure: worst.part, notes, figures };
  },
);

function check(ours: { outcome: string }, theirs: ReturnType<Cedar["statefulIsAuthorized"]>): void {
  if (theirs.type !== "success" || theirs.response.decision !== ours.outcome)
    throw new Error(`Cedar says otherwise: ${JSON.stringify(theirs)}`);
}
