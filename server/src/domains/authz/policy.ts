import { createHash } from "node:crypto";
import type { Db, Tx } from "#kernel/db.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { Decision, Policy, Principal, Question } from "#pipeline";
import { canonicalJson, parseJson } from "#verifier";
import { ENGINE, PolicySet, type PolicySetJson, type Step, type Traced } from "./engine/index.ts";
import { explain } from "./explain.ts";
import { decisionRows, readActiveVersion, type StoredVersion } from "./queries.ts";
import { requestOf, sliceOf } from "./question.ts";
import { type StoredStep, stepText, storedSteps, traceHash } from "./trace.ts";

/** A policy version, ready to decide. */
export interface Version {
  readonly id: string;
  readonly hash: string;
  readonly policies: PolicySet;
}

/** A decision with what it was made of; the pipeline sees the part that its port names. */
interface Made extends Decision {
  /** Null when the project has no active policies. */
  readonly traced: Traced | null;
  readonly steps: readonly StoredStep[];
  readonly slice: { readonly text: string; readonly hash: string };
  /** RFC 8785. */
  readonly context: string;
}

const NOTHING: Traced = { outcome: "deny", reasons: [], errors: [], steps: [] };

/** Decides by a version; without one everything is denied. */
export function decideBy(version: Version | null, question: Question): Made {
  const slice = sliceOf(question);
  const request = requestOf(question);
  const traced = version === null ? NOTHING : version.policies.trace(request);
  const { outcome, reasons, errors } = traced;
  const { principal, action, resource } = question;
  const context = canonicalJson(question.context);
  const steps = storedSteps(traced.steps, request);
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
    approval: traced.steps.some((step) => step.outcome === "allow" && wantsApproval(step)),
    traced: version === null ? null : traced,
    steps,
    slice,
    context,
  };
}

/** `@approval("required")` on a policy that permits. */
const wantsApproval = ({ policy }: Step): boolean =>
  policy.source.annotations?.["approval"] === "required";

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

/** What is stored was checked before it was: its hash says that it is the same still. */
const compileVersion = ({ id, document: text }: StoredVersion, json: PolicySetJson): Version => ({
  id,
  hash: sha256(text).toString("hex"),
  policies: new PolicySet(json),
});

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
        asked.every((one) => version.policies.decide(requestOf(one)).outcome === "allow")
      );
    },
    rows: (decision, question, about) => {
      return decisionRows(decision, decision as Made, question, about);
    },
    explain: (decision, question) => explain(question, (decision as Made).traced),
  };
}

async function load(tx: Tx): Promise<Version | null> {
  const stored = await readActiveVersion(tx);
  return stored === undefined ? null : openVersion(stored);
}
