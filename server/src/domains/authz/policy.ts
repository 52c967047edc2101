import { createHash } from "node:crypto";
import type { Db, Tx } from "#kernel/db.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { Decision, Policy, Principal, Question } from "#pipeline";
import { canonicalJson, parseJson } from "#verifier";
import { type PolicyDocument, storedDocument } from "./document.ts";
import { ENGINE, Evaluator, type Verdict } from "./evaluate.ts";
import { explain } from "./explain.ts";
import { decisionRows, readActiveVersion, type StoredStep, type StoredVersion } from "./queries.ts";
import { sliceOf, stepText, traceHash } from "./trace.ts";

/** A policy version, ready to decide. */
export interface Version {
  readonly id: string;
  readonly hash: string;
  readonly document: PolicyDocument;
  readonly evaluator: Evaluator;
}

/** A decision with what it was made of; the pipeline sees the part that its port names. */
interface Made extends Decision {
  readonly verdict: Verdict;
  readonly steps: readonly StoredStep[];
  readonly slice: { readonly text: string; readonly hash: string };
  /** RFC 8785. */
  readonly context: string;
  readonly document: PolicyDocument | null;
}

const NOTHING: Verdict = { outcome: "deny", reasons: [], errors: [], steps: [] };

/** Decides by a version; without one everything is denied. */
export function decideBy(version: Version | null, question: Question): Made {
  const slice = sliceOf(question);
  const verdict = version === null ? NOTHING : version.evaluator.evaluate(question);
  const { outcome, reasons, errors } = verdict;
  const { principal, action, resource } = question;
  const context = canonicalJson(question.context);
  const steps = verdict.steps.map((step) => ({
    ...step,
    conditions: canonicalJson(step.conditions),
  }));
  return {
    outcome,
    reasons,
    errors,
    versionId: version?.id ?? null,
    traceHash: traceHash({
      principal: `${principal.type}:${principal.id}`,
      action: action.id,
      resource,
      context,
      sliceHash: slice.hash,
      versionHash: version?.hash ?? null,
      engine: ENGINE,
      outcome,
      reasons,
      errors,
      steps: steps.map(stepText),
    }),
    approval: reasons.some((id) => wantsApproval(version!.document, id)),
    verdict,
    steps,
    slice,
    context,
    document: version?.document ?? null,
  };
}

/** `"annotations": { "approval": "required" }` on a policy that permits. */
const wantsApproval = ({ staticPolicies }: PolicyDocument, id: string): boolean =>
  staticPolicies[id]?.annotations?.["approval"] === "required";

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

/** A stored version, to decide by. One that was edited after it was stored decides nothing. */
export function openVersion(stored: StoredVersion): Version {
  if (isEdited(stored)) throw versionChanged(stored.id);
  return compileVersion(stored, parseJson(stored.document));
}

/**
 * A stored version, to decide again by. Its hash is that of what it says now, so that an edit shows as another trace;
 * null when it says no policies any more.
 */
export function reopenVersion(stored: StoredVersion): Version | null {
  try {
    return compileVersion(stored, parseJson(stored.document));
  } catch (error) {
    if (isEdited(stored)) return null;
    throw error;
  }
}

const isEdited = ({ document, hash }: StoredVersion): boolean =>
  sha256(document).toString("hex") !== hash;

function compileVersion({ id, document: text }: StoredVersion, json: unknown): Version {
  const document = storedDocument.parse(json);
  return { id, hash: sha256(text).toString("hex"), document, evaluator: new Evaluator(document) };
}

export const versionChanged = (id: string) =>
  new Refusal(
    "policy/version_changed",
    503,
    "The project's active policies are not what was stored",
    { policy_version_id: id },
    "Tell whoever keeps the database: restore this version's row in authz.policy_versions from a backup.",
  );

const PROJECTS_CACHED_MAX = 1_000;

/** Fills the pipeline's second step. One compiled version a project is kept, until the project's revision moves. */
export function openPolicy(db: Db): Policy {
  const cache = new Map<string, { revision: number; version: Promise<Version | null> }>();
  const versionFor = ({ tenantId, revision }: Principal): Promise<Version | null> => {
    const known = cache.get(tenantId);
    if (known?.revision === revision) return known.version;
    const version = db.transaction({ role: "reader", tenantId }, load);
    version.catch(() => cache.delete(tenantId));
    if (cache.size >= PROJECTS_CACHED_MAX) cache.clear();
    cache.set(tenantId, { revision, version });
    return version;
  };
  return {
    decide: async (principal, question) => decideBy(await versionFor(principal), question),
    async allows(principal, question) {
      const version = await versionFor(principal);
      const { session, accountId: id, groups } = principal;
      const asked = [question];
      if (session !== null)
        asked.push({ ...question, principal: { type: "ServiceAccount", id, groups } });
      return (
        version !== null &&
        asked.every((one) => version.evaluator.evaluate(one).outcome === "allow")
      );
    },
    rows: (decision, question, about) => {
      return decisionRows(decision, decision as Made, question, about);
    },
    explain: (decision, question) =>
      explain((decision as Made).document, question, (decision as Made).verdict),
  };
}

async function load(tx: Tx): Promise<Version | null> {
  const stored = await readActiveVersion(tx);
  return stored === undefined ? null : openVersion(stored);
}
