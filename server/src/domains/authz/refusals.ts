import { Refusal } from "#kernel/refusal.ts";
import type { Malformed } from "./engine/index.ts";

export const decisionMissing = (id: string) =>
  new Refusal(
    "action/decision_missing",
    404,
    "This project has no such decision",
    { id },
    "List decisions with GET /v1/decisions; reads appear within a second.",
  );

export const setMissing = (set: string) =>
  new Refusal(
    "action/set_missing",
    404,
    "This project has no such policy set",
    { set },
    "List sets with GET /v1/policies; a set begins with its first version, POST /v1/policies/{set}/versions.",
  );

export const versionMissing = (set: string, number: number) =>
  new Refusal(
    "action/version_missing",
    404,
    "This policy set has no such version",
    { set, number },
    "List its versions with GET /v1/policies/{set}/versions, and sets with GET /v1/policies.",
  );

export const noPolicies = (set: string) =>
  new Refusal(
    "action/no_policies",
    404,
    "This policy set has no active version",
    { set },
    "List sets with GET /v1/policies; create a version with POST /v1/policies/{set}/versions, validate and activate it.",
  );

export const baseMoved = (set: string, base: number, active: number) =>
  new Refusal(
    "action/base_moved",
    409,
    "Another version was activated since the one that this is based on",
    { set, base, active },
    "Read the active version, bring its changes into yours, and give its number as base.",
  );

export const notValidated = (set: string, number: number, status: string) =>
  new Refusal(
    "action/version_not_validated",
    409,
    "This version was not validated",
    { set, number, status },
    "Send POST /v1/policies/{set}/versions/{number}/validate and correct what it finds.",
  );

export const activeAlready = (set: string, number: number) =>
  new Refusal(
    "action/version_active",
    409,
    "This version is active already",
    { set, number },
    "Leave it, or activate another one.",
  );

export const nothingBefore = (set: string) =>
  new Refusal(
    "action/nothing_before",
    409,
    "No other version of this policy set was ever active",
    { set },
    "Name a version that was validated, with --number.",
  );

/** Who activates a version has to be able to activate the one before again. */
export const noWayBack = (
  number: number,
  { reasons, errors }: { readonly reasons: readonly string[]; readonly errors: readonly string[] },
) =>
  new Refusal(
    "action/no_way_back",
    409,
    "By this version you could activate no other one any more",
    { set: "default", number, denied_by: reasons, errors },
    "Permit `authz.policy-version.activate` to yourself; look for a group that is written otherwise than yours. If others are to go on without you, give the reason as `without_way_back`.",
  );

export const tooManySets = (sets: number) =>
  new Refusal(
    "action/too_many_sets",
    409,
    "This project has as many policy sets as a project may have",
    { sets },
    "Use one of them.",
  );

export const oneOfTextAndDocument = (given: readonly string[]) =>
  new Refusal(
    "action/text_or_document",
    400,
    "Policies are given as text or as document: exactly one of them, and links only with a text",
    { given: [...given] },
    "Send text (Cedar) or document (Cedar's JSON form).",
  );

export const malformedQuestion = ({ at, message, help }: Malformed) =>
  new Refusal(
    "action/malformed_question",
    400,
    `The question cannot be asked: ${message}`,
    { at },
    help,
  );

/** Says nothing of what is kept: whoever asks may not be one who may read it. */
export const keptMisfits = () =>
  new Refusal(
    "action/malformed_question",
    400,
    "The question cannot be asked: what is kept of its entities does not fit with it or the schema",
    { at: "stored" },
    "Look at what is kept, GET /v1/resources, or send the entities themselves.",
  );

export const previewNeeded = (set: string, number: number) =>
  new Refusal(
    "action/preview_needed",
    409,
    "Nobody has looked at what this version would change",
    { set, number },
    `Send POST /v1/policies/${set}/preview with {"number": ${number}}, look at its summary and activate again; or say as \`without_preview\` why not.`,
  );

export const previewStale = (
  set: string,
  number: number,
  facts: { preview_id: string; base: number | null; active: number | null; age_s: number },
) =>
  new Refusal(
    "action/preview_stale",
    409,
    facts.base === facts.active
      ? "The last preview of this version is more than a day old"
      : "Another version was activated since this one was previewed",
    { set, number, ...facts },
    `Send POST /v1/policies/${set}/preview with {"number": ${number}} again; or say as \`without_preview\` why not.`,
  );

export const previewMissing = (set: string, id: string) =>
  new Refusal(
    "action/preview_missing",
    404,
    "This policy set has no such preview",
    { set, id },
    "A preview's id is in the last item of POST /v1/policies/{set}/preview; one that was not followed to its end is not kept.",
  );

export const previewRunning = (set: string) =>
  new Refusal(
    "action/preview_running",
    409,
    "A preview of this project is under way on this server",
    { set },
    "Follow it to its end, or leave it, and ask again.",
  );

export const comparisonRunning = (set: string) =>
  new Refusal(
    "action/comparison_running",
    409,
    "A comparison of this project's decisions is under way on this server",
    { set },
    "Wait for its answer, and ask again.",
  );

export const notValid = (set: string, number: number, findings: readonly string[]) =>
  new Refusal(
    "action/version_not_valid",
    409,
    "This draft is not valid, so it cannot decide anything",
    { set, number, findings: [...findings] },
    "Send POST /v1/policies/{set}/versions/{number}/validate and correct what it finds.",
  );

export const oneCandidate = (given: readonly string[]) =>
  new Refusal(
    "action/one_candidate",
    400,
    "What is asked is one thing: a version by its number, or policies as text or document",
    { given: [...given] },
    "Send number (of a version of the set), or text, or document.",
  );

export const proposalMissing = (set: string, id: string) =>
  new Refusal(
    "action/proposal_missing",
    404,
    "This policy set has no such proposal",
    { set, id },
    "List them with GET /v1/policies/{set}/proposals; the job that makes one says its id.",
  );

export const nothingActive = (set: string) =>
  new Refusal(
    "action/nothing_active",
    409,
    "The set has no active version whose use could be looked at",
    { set },
    "Activate one, and let it decide for a while.",
  );

export const mayNotReadDecisions = (what: string) =>
  new Refusal(
    "action/may_not_read_decisions",
    403,
    "What policies make of facts tells these facts, and you may not read them",
    { what },
    "Ask for a policy that permits telemetry.chain.why, or leave out what the project keeps (`stored`).",
  );

export const previewPartial = (set: string, number: number, previewId: string) =>
  new Refusal(
    "action/preview_partial",
    409,
    "The preview of this version looked at too little to be relied on",
    { set, number, preview_id: previewId },
    `Preview it over the last week or more, up to now: POST /v1/policies/${set}/preview; or give a reason in without_preview.`,
  );
