import { createHash } from "node:crypto";
import type { Clock } from "#kernel/clock.ts";
import type { Db, Tx } from "#kernel/db.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { Decision, Policy, Principal, Question } from "#pipeline";
import { canonicalJson, parseJson } from "#verifier";
import {
  ENGINE,
  Malformed,
  PolicySet,
  type PolicySetJson,
  Schema,
  type Step,
  type Traced,
} from "./engine/index.ts";
import { explain } from "./explain.ts";
import type { Sample } from "./oracle/compare.ts";
import { versionQuarantined } from "./oracle/quarantine.ts";
import { RECOVERY_POLICIES } from "./oracle/recovery.ts";
import type { Sampler } from "./oracle/sampler.ts";
import { decisionRows, readActiveVersion, type StoredVersion } from "./queries.ts";
import { actionText, completed, requestOf, sliceOf } from "./question.ts";
import { malformedQuestion } from "./refusals.ts";
import { readSchema } from "./sets/queries.ts";
import { DEFAULT_SET } from "./sets/versions.ts";
import { type StoredStep, stepText, storedSteps, traceHash } from "./trace.ts";

/** What decides: a version, or with null the server itself. */
interface Deciding {
  readonly id: string | null;
  readonly hash: string | null;
  /** Null: it was stored before versions had schemas. */
  readonly schemaHash: string | null;
  readonly policies: PolicySet;
}

/** A policy version, ready to decide. */
export interface Version extends Deciding {
  readonly id: string;
  readonly hash: string;
  readonly json: PolicySetJson;
}

/** A version that is active; `quarantined` refuses what it would decide. */
interface Active extends Version {
  readonly quarantined: Refusal | null;
}

/** A decision with what it was made of; the pipeline sees the part that its port names. */
interface Made extends Decision {
  /** Null when the project has no active policies. */
  readonly traced: Traced | null;
  /** Whose project, and by what; null when no version decided. */
  readonly by: { readonly tenantId: string; readonly version: Version } | null;
  readonly steps: readonly StoredStep[];
  readonly slice: { readonly text: string; readonly hash: string };
  /** RFC 8785. */
  readonly context: string;
}

const NOTHING: Traced = { outcome: "deny", reasons: [], errors: [], steps: [] };

/** Decides by a version; without one everything is denied. */
export function decideBy(version: Deciding | null, question: Question): Made {
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
      action: actionText(action),
      resource,
      context,
      sliceHash: slice.hash,
      versionHash: version?.hash ?? null,
      schemaHash: version?.schemaHash ?? null,
      engine: ENGINE,
      outcome,
      reasons,
      errors,
      steps: steps.map(stepText),
    }),
    approval: traced.steps.some((step) => step.outcome === "allow" && wantsApproval(step)),
    traced: version === null ? null : traced,
    by: null,
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
const compileVersion = (
  { id, document: text, schemaHash }: StoredVersion,
  json: PolicySetJson,
): Version => ({
  id,
  hash: sha256(text).toString("hex"),
  schemaHash,
  json,
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

const SETS_CACHED_MAX = 1_000;
const SCHEMAS_CACHED_MAX = 100;

/**
 * Fills the pipeline's second step. Compiled versions are kept, one of a set, until the project's revision moves. What the
 * sampler chooses of the decisions is compared with Cedar's engine.
 */
export function openPolicy(db: Db, clock: Clock, sampler: Sampler): Policy {
  const cache = new Map<string, { revision: number; version: Promise<Active | null> }>();
  const schemas = new Map<string, Promise<Schema>>();
  const versionFor = (principal: Principal, set = DEFAULT_SET): Promise<Active | null> => {
    const { tenantId, revision } = principal;
    const key = `${tenantId} ${set}`;
    const known = cache.get(key);
    if (known?.revision === revision) return known.version;
    const version = db.transaction({ role: "reader", tenantId }, (tx) => load(tx, set));
    version.catch(() => cache.delete(key));
    if (cache.size >= SETS_CACHED_MAX) cache.clear();
    cache.set(key, { revision, version });
    return version;
  };
  /** By content: projects that declare nothing of their own have one together. */
  const schemaFor = (tenantId: string, { id, schemaHash }: Version): Promise<Schema> => {
    if (schemaHash === null) throw versionChanged(id);
    let schema = schemas.get(schemaHash);
    if (schema === undefined) {
      schema = db.transaction({ role: "reader", tenantId }, (tx) => loadSchema(tx, id, schemaHash));
      schema.catch(() => schemas.delete(schemaHash));
      if (schemas.size >= SCHEMAS_CACHED_MAX) schemas.clear();
      schemas.set(schemaHash, schema);
    }
    return schema;
  };
  const decide = (principal: Principal, version: Version, question: Question): Made => ({
    ...decideBy(version, question),
    by: { tenantId: principal.tenantId, version },
  });
  return {
    async decide(principal, question) {
      const version = await versionFor(principal);
      if (version === null) return decideBy(null, question);
      if (version.quarantined === null) return decide(principal, version, question);
      return recovering(version.quarantined, question);
    },
    async ask(principal, set, asked) {
      const version = await versionFor(principal, set);
      if (version === null) return { question: asked, decision: decideBy(null, asked) };
      if (version.quarantined !== null) throw version.quarantined;
      const schema = await schemaFor(principal.tenantId, version);
      const question = refusing(() => completed(asked, schema, clock()));
      return { question, decision: decide(principal, version, question) };
    },
    async allows(principal, question) {
      const version = await versionFor(principal);
      if (version !== null && version.quarantined !== null) throw version.quarantined;
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
      const made = decision as Made;
      if (made.by !== null && sampler.chooses(about.id))
        sampler.add(sampleOf(made.by, question, decision, about.id));
      return decisionRows(decision, made, question, about);
    },
    explain: (decision, question) => explain(question, (decision as Made).traced),
  };
}

async function load(tx: Tx, set: string): Promise<Active | null> {
  const stored = await readActiveVersion(tx, set);
  if (stored === undefined) return null;
  const { id, number, quarantinedAt } = stored;
  const quarantined = quarantinedAt === null ? null : versionQuarantined({ set, number }, id);
  return { ...openVersion(stored), quarantined };
}

/** While the default set is quarantined: administrators may replace it, everything else is refused. */
function recovering(quarantined: Refusal, question: Question): Made {
  const made = decideBy(RECOVERY_POLICIES, question);
  if (made.outcome === "deny") throw quarantined;
  return made;
}

const sampleOf = (
  { tenantId, version }: NonNullable<Made["by"]>,
  question: Question,
  { outcome, reasons, errors }: Decision,
  decisionId: string,
): Sample => ({
  tenantId,
  decisionId,
  versionId: version.id,
  policies: version.json,
  question,
  decision: { outcome, reasons, errors },
});

async function loadSchema(tx: Tx, versionId: string, hash: string): Promise<Schema> {
  const text = await readSchema(tx, hash);
  if (text === undefined) throw versionChanged(versionId);
  return new Schema(parseJson(text));
}

/** What a question says wrongly as a refusal. */
function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Malformed) throw malformedQuestion(error);
    throw error;
  }
}
