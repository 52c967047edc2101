/** The door of authz: policies as they are stored, the evaluator, decisions and their replay. */
import { decisionAsk } from "./operations/decision-ask.ts";
import { decisionGet } from "./operations/decision-get.ts";
import { decisionList } from "./operations/decision-list.ts";
import { driftFindingList } from "./operations/drift-finding-list.ts";
import { driftWatchStart } from "./operations/drift-watch-start.ts";
import { driftWindowList } from "./operations/drift-window-list.ts";
import { policyActivate } from "./operations/policy-activate.ts";
import { policyGet } from "./operations/policy-get.ts";
import { policyList } from "./operations/policy-list.ts";

export { DRIFT, watchDrift } from "./drift/watch.ts";
export { activateDefault, openPolicy } from "./policy.ts";
export { readDecisionsById } from "./queries.ts";
export { type Recomputed, recomputeTraces } from "./recompute.ts";
export { replayDecision } from "./replay.ts";
export { shown as decisionShown } from "./shapes.ts";

export const operations = [
  decisionAsk,
  decisionList,
  decisionGet,
  policyGet,
  policyList,
  policyActivate,
  driftWatchStart,
  driftWindowList,
  driftFindingList,
];
