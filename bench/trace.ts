import {
  EntityRef,
  entitiesOf,
  PolicySet,
  recordOf,
} from "../server/src/domains/authz/engine/index.ts";
import { measure } from "./kit/claim.ts";
import { ENTITIES, REQUEST, teamPolicies } from "./kit/policies.ts";
import { interleave, median, medianRatio, spread } from "./kit/rounds.ts";

const SIZES = [10, 100, 1_000];
const ROUNDS = 9;

await measure(
  {
    name: "trace",
    says: `a decision with every clause of every policy in reach weighed, against the decision alone (${SIZES.join(", ")} policies, the worst)`,
    unit: "µs",
    target: 2,
    bound: "max",
  },
  async () => {
    const notes: string[] = [];
    const figures: Record<string, number> = {};
    let worst = { figure: 0, ours: 0, theirs: 0 };
    for (const size of SIZES) {
      const policies = new PolicySet(teamPolicies(size));
      const ask = (of: "decide" | "trace", times: number) => async () => {
        const from = performance.now();
        for (let i = 0; i < times; i++)
          policies[of]({
            principal: new EntityRef(REQUEST.principal.type, REQUEST.principal.id),
            action: new EntityRef(REQUEST.action.type, REQUEST.action.id),
            resource: new EntityRef(REQUEST.resource.type, REQUEST.resource.id),
            context: recordOf(REQUEST.context, "context"),
            entities: entitiesOf(ENTITIES),
          });
        return ((performance.now() - from) * 1_000) / times;
      };
      const times = Math.ceil(200_000 / size) + 2_000;
      const sides = [ask("trace", times), ask("decide", times)];
      await interleave(2, sides);
      const [full, bare] = await interleave(ROUNDS, sides);
      const figure = medianRatio(full!, bare!);
      notes.push(
        spread(`${size} policies: traced`, full!),
        spread(`${size} policies: bare`, bare!),
      );
      figures[`${size} policies`] = figure;
      if (figure > worst.figure) worst = { figure, ours: median(full!), theirs: median(bare!) };
    }
    return { ...worst, notes, figures };
  },
);
