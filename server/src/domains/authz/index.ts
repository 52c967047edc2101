/** The door of authz: policies as they are stored, the evaluator, decisions and their replay. */
import { decisionAsk } from "./operations/decision-ask.ts";
import { decisionGet } from "./operations/decision-get.ts";
import { decisionList } from "./operations/decision-list.ts";
import { decisionReplayStart } from "./operations/decision-replay-start.ts";
import { driftFindingList } from "./operations/drift-finding-list.ts";
import { driftWatchStart } from "./operations/drift-watch-start.ts";
import { driftWindowList } from "./operations/drift-window-list.ts";
import { policyGet } from "./operations/policy-get.ts";
import { policyPreviewGet } from "./operations/policy-preview-get.ts";
import { policyProposalAccept } from "./operations/policy-proposal-accept.ts";
import { policyProposalGet } from "./operations/policy-proposal-get.ts";
import { policyProposalList } from "./operations/policy-proposal-list.ts";
import { policyProposalStart } from "./operations/policy-proposal-start.ts";
import { policySetList } from "./operations/policy-set-list.ts";
import { policySimulate } from "./operations/policy-simulate.ts";
import { policyTemplateList } from "./operations/policy-template-list.ts";
import { policyTextCheck } from "./operations/policy-text-check.ts";
import { policyVersionActivate } from "./operations/policy-version-activate.ts";
import { policyVersionCompare } from "./operations/policy-version-compare.ts";
import { policyVersionCreate } from "./operations/policy-version-create.ts";
import { policyVersionGet } from "./operations/policy-version-get.ts";
import { policyVersionList } from "./operations/policy-version-list.ts";
import { policyVersionPreview } from "./operations/policy-version-preview.ts";
import { policyVersionValidate } from "./operations/policy-version-validate.ts";
import { replayDisagreementList } from "./operations/replay-disagreement-list.ts";
import { resourceFilterCompile } from "./operations/resource-filter-compile.ts";
import { rowPolicyCompile } from "./operations/row-policy-compile.ts";
import { rowPolicyList } from "./operations/row-policy-list.ts";

export { DRIFT, watchDrift } from "./drift/watch.ts";
export { PROPOSE, proposeLeast } from "./least/job.ts";
export { openSampler } from "./oracle/open.ts";
export { openPolicy } from "./policy.ts";
export { readDecisionsById } from "./queries.ts";
export { type Recomputed, recomputeTraces } from "./recompute.ts";
export { REPLAY, replayWindow } from "./replay/job.ts";
export { replayDecision } from "./replay/replay.ts";
export { checkRowPolicies, ROW_POLICIES } from "./row-policies/check.ts";
export { restorePolicies } from "./sets/restore.ts";
export { activateDefault } from "./sets/versions.ts";
export { shown as decisionShown } from "./shapes.ts";

export const operations = [
  decisionAsk,
  decisionList,
  decisionGet,
  decisionReplayStart,
  replayDisagreementList,
  policySetList,
  policyGet,
  policyTemplateList,
  policyTextCheck,
  policyVersionList,
  policyVersionGet,
  policyVersionCreate,
  policyVersionCompare,
  policyVersionValidate,
  policyVersionPreview,
  policyPreviewGet,
  policySimulate,
  policyVersionActivate,
  resourceFilterCompile,
  rowPolicyCompile,
  rowPolicyList,
  policyProposalStart,
  policyProposalList,
  policyProposalGet,
  policyProposalAccept,
  driftWatchStart,
  driftWindowList,
  driftFindingList,
];
