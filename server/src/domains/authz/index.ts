/** The door of authz: policies as they are stored, the evaluator, decisions and their replay. */
import { decisionAsk } from "./operations/decision-ask.ts";
import { decisionGet } from "./operations/decision-get.ts";
import { decisionList } from "./operations/decision-list.ts";
import { driftFindingList } from "./operations/drift-finding-list.ts";
import { driftWatchStart } from "./operations/drift-watch-start.ts";
import { driftWindowList } from "./operations/drift-window-list.ts";
import { policyGet } from "./operations/policy-get.ts";
import { policySetList } from "./operations/policy-set-list.ts";
import { policyTemplateList } from "./operations/policy-template-list.ts";
import { policyTextCheck } from "./operations/policy-text-check.ts";
import { policyVersionActivate } from "./operations/policy-version-activate.ts";
import { policyVersionCompare } from "./operations/policy-version-compare.ts";
import { policyVersionCreate } from "./operations/policy-version-create.ts";
import { policyVersionGet } from "./operations/policy-version-get.ts";
import { policyVersionList } from "./operations/policy-version-list.ts";
import { policyVersionValidate } from "./operations/policy-version-validate.ts";
import { resourceFilterCompile } from "./operations/resource-filter-compile.ts";
import { rowPolicyCompile } from "./operations/row-policy-compile.ts";
import { rowPolicyList } from "./operations/row-policy-list.ts";

export { DRIFT, watchDrift } from "./drift/watch.ts";
export { openPolicy } from "./policy.ts";
export { readDecisionsById } from "./queries.ts";
export { type Recomputed, recomputeTraces } from "./recompute.ts";
export { replayDecision } from "./replay.ts";
export { checkRowPolicies, ROW_POLICIES } from "./row-policies/check.ts";
export { activateDefault } from "./sets/versions.ts";
export { shown as decisionShown } from "./shapes.ts";

export const operations = [
  decisionAsk,
  decisionList,
  decisionGet,
  policySetList,
  policyGet,
  policyTemplateList,
  policyTextCheck,
  policyVersionList,
  policyVersionGet,
  policyVersionCreate,
  policyVersionCompare,
  policyVersionValidate,
  policyVersionActivate,
  resourceFilterCompile,
  rowPolicyCompile,
  rowPolicyList,
  driftWatchStart,
  driftWindowList,
  driftFindingList,
];
