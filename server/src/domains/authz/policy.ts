import { createHash } from "node:crypto";
import type { Clock } from "#kernel/clock.ts";
import type { Db, Tx } from "#kernel/db.ts";
import { Refusal } from "#kernel/refusal.ts";
import { turns } from "#kernel/turns.ts";
import type { Decision, EntityFacts, KnownEntities, Policy, Principal, Question } from "#pipeline";
import { canonicalJson, parseJson } from "#verifier";
import {
  Malformed,
  type PolicySetJson,
  type Request,
  Schema,
  type Step,
  type Traced,
} from "./engine/index.ts";
import { ENGINES, type Engine, engineText, type Policies } from "./engines.ts";
import { explain, explainToAgent } from "./explain.ts";
import type { Sample } from "./oracle/compare.ts";
import { versionQuarantined } from "./oracle/quarantine.ts";
import { RECOVERY_POLICIES } from "./oracle/recovery.ts";
import type { Sampler } from "./oracle/sampler.ts";
import { decisionRows, readActiveVersion, type StoredVersion } from "./queries.ts";
import { actionText, completed, requestOf, sliceOf } from "./question.ts";
import { keptMisfits, malformedQuestion } from "./refusals.ts";
import { Pace } from "./replay/pace.ts";
import { SchemaCache } from "./schema-cache.ts";
import { readSchema } from "./sets/queries.ts";
import { DEFAULT_SET } from "./sets/versions.ts";
import { type StoredStep, stepText, storedSteps, traceHash } from "./trace.ts";
import { FULL, viewOfAsker, wholePolicies } from "./view.ts";

/** What decides: a version, or with null the server itself. */
export interface Deciding {
  readonly id: string | null;
  readonly hash: string | null;
  /** Null: it was stored before versions had schemas. */
  readonly schemaHash: string | null;
  /** What it was compiled by. */
  readonly engine: Engine;
  readonly policies: Policies;
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
interface Made extends Decision, Weighed {
  /** Whose project, and by what; null when no version decided. */
  readonly by: { readonly tenantId: string; readonly version: Version } | null;
  readonly slice: { readonly text: string; readonly hash: string };
  /** RFC 8785. */
  readonly context: string;
  readonly engine: string;
}

/** A question in the form in which it is evaluated, and the texts by which its trace names it. */
export interface Posed {
  readonly request: Request;
  /** `TYPE:ID` */
  readonly principal: string;
  readonly action: string;
  readonly resource: Question["resource"];
  /** RFC 8785. */
  readonly context: string;
  readonly sliceHash: string;
}

export interface Weighed {
  readonly outcome: "allow" | "deny";
  readonly reasons: readonly string[];
  readonly errors: readonly string[];
  readonly traceHash: string;
  /** Null when the project has no active policies. */
  readonly traced: Traced | null;
  readonly steps: readonly StoredStep[];
}

const NOTHING: Traced = { outcome: "deny", reasons: [], errors: [], steps: [] };

/** Weighs a question by a version, with every step and the hash over all of it; without a version everything is denied. */
export function weigh(
  version: Deciding | null,
  { request, ...posed }: Posed,
  engine: Pick<Engine, "name" | "version"> = version?.engine ?? ENGINES.current,
): Weighed {
  const traced = version === null ? NOTHING : version.policies.trace(request);
  const { outcome, reasons, errors } = traced;
  const steps = storedSteps(traced.steps, request);
  return {
    outcome,
    reasons,
    errors,
    traceHash: traceHash({
      ...posed,
      versionHash: version?.hash ?? null,
      schemaHash: version?.schemaHash ?? null,
      engine,
      outcome,
      reasons,
      errors,
      steps: steps.map(stepText),
    }),
    traced: version === null ? null : traced,
    steps,
  };
}

/** Decides by a version; without one everything is denied. */
export function decideBy(
  version: Deciding | null,
  question: Question,
  engine: Engine = version?.engine ?? ENGINES.current,
): Made {
  const slice = sliceOf(question);
  const { principal, action, resource } = question;
  const context = canonicalJson(question.context);
  const posed = {
    request: requestOf(question),
    principal: `${principal.type}:${principal.id}`,
    action: actionText(action),
    resource,
    context,
    sliceHash: slice.hash,
  };
  const weighed = weigh(version, posed, engine);
  return {
    ...weighed,
    by: null,
    versionId: version?.id ?? null,
    approval:
      weighed.traced?.steps.some((step) => step.outcome === "allow" && wantsApproval(step)) ??
      false,
    slice,
    context,
    engine: engineText(engine),
  };
}

/** `@approval("required")` on a policy that permits. */
const wantsApproval = ({ policy }: Step): boolean =>
  policy.source.annotations?.["approval"] === "required";

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

/** A stored version, to decide by. One that was edited after it was stored decides nothing. */
export function openVersion(
  stored: Pick<StoredVersion, "id" | "document" | "hash" | "schemaHash">,
  engine: Engine = ENGINES.current,
): Version {
  if (isEdited(stored)) throw versionChanged(stored.id);
  return compileVersion(stored, parseJson(stored.document), engine);
}

/**
 * A stored version, to decide again by. Its hash is that of what it says now, so that an edit shows as another trace;
 * null when it says no policies any more.
 */
export function reopenVersion(
  stored: StoredVersion,
  engine: Engine = ENGINES.current,
): Version | null {
  try {
    return compileVersion(stored, parseJson(stored.document), engine);
  } catch (error) {
    if (isEdited(stored)) return null;
    throw error;
  }
}

/** Whether a version was edited after it was stored. */
export const isEdited = ({ document, hash }: Pick<StoredVersion, "document" | "hash">): boolean =>
  sha256(document).toString("hex") !== hash;

/** What is stored was checked before it was: its hash says that it is the same still. */
const compileVersion = (
  { id, document: text, schemaHash }: Pick<StoredVersion, "id" | "document" | "schemaHash">,
  json: PolicySetJson,
  engine: Engine,
): Version => ({
  id,
  hash: sha256(text).toString("hex"),
  schemaHash,
  json,
  engine,
  policies: engine.compile(json),
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

/** What decisions are made with, beside the policies. */
interface Beside {
  readonly known: KnownEntities;
  readonly sampler: Sampler;
}

/**
 * Fills the pipeline's second step. Compiled versions are kept, one of a set, until the project's revision moves. What the
 * sampler chooses of the decisions is compared with Cedar's engine.
 */
export function openPolicy(db: Db, clock: Clock, { known, sampler }: Beside): Policy {
  const engine = ENGINES.current;
  const cache = new Map<string, { revision: number; version: Promise<Active | null> }>();
  const versionFor = (principal: Principal, set = DEFAULT_SET): Promise<Active | null> => {
    const { tenantId, revision } = principal;
    const key = `${tenantId} ${set}`;
    const known = cache.get(key);
    if (known?.revision === revision) return known.version;
    const version = db.transaction({ role: "reader", tenantId }, (tx) => load(tx, set, engine));
    // Names of no set are anybody's: kept, they would push out what decides.
    version.then(
      (found) => found === null && cache.delete(key),
      () => cache.delete(key),
    );
    if (cache.size >= SETS_CACHED_MAX) cache.clear();
    cache.set(key, { revision, version });
    return version;
  };
  const schemas = new SchemaCache((tenantId, { id, schemaHash }) =>
    db.transaction({ role: "reader", tenantId }, (tx) => loadSchema(tx, id, schemaHash)),
  );
  // A thousand questions that come at once and cost much leave others their turn, too.
  const [inTurn, pace] = [turns(1), new Pace()];
  const decide = (principal: Principal, version: Version, question: Question): Made => ({
    ...decideBy(version, question, engine),
    by: { tenantId: principal.tenantId, version },
  });
  return {
    async decide(principal, question) {
      const version = await versionFor(principal);
      if (version === null) return decideBy(null, question, engine);
      if (version.quarantined === null) return decide(principal, version, question);
      return recovering(version.quarantined, question);
    },
    async ask(principal, { set, stored, mayReadKept = nobody }, told) {
      const version = await versionFor(principal, set);
      const asked = stored ? await withStored(known, principal.tenantId, told) : told;
      if (version === null)
        return refusing(asked, mayReadKept, (question) => ({
          question,
          decision: decideBy(null, question, engine),
        }));
      if (version.quarantined !== null) throw version.quarantined;
      const { id, schemaHash } = version;
      if (schemaHash === null) throw versionChanged(id);
      const schema = await schemas.of(principal.tenantId, { id, schemaHash });
      const time_ms = clock();
      const question = await refusing(asked, mayReadKept, (one) => completed(one, schema, time_ms));
      return inTurn(async () => {
        if (pace.isOver) await pace.rest();
        return { question, decision: decide(principal, version, question) };
      });
    },
    withStored: ({ tenantId }, told) => withStored(known, tenantId, told),
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
    tell(decision, question, isFull) {
      const { reasons, errors, traceHash, traced } = decision as Made;
      if (isFull || question.kept === undefined || traced === null)
        return { reasons, errors, traceHash };
      const whole = wholePolicies(viewOfAsker(question, requestOf(question)), traced.steps);
      const shown = (ids: readonly string[]) => ids.filter((id) => whole.has(id));
      return { reasons: shown(reasons), errors: shown(errors), traceHash: null };
    },
    explain(decision, question, isFull, agent) {
      const { traced } = decision as Made;
      if (!isFull && agent !== undefined) return explainToAgent(question, traced, agent);
      return explain(question, traced, isFull ? FULL : viewOfAsker(question, requestOf(question)));
    },
  };
}

async function load(tx: Tx, set: string, engine: Engine): Promise<Active | null> {
  const stored = await readActiveVersion(tx, set);
  if (stored === undefined) return null;
  const { id, number, quarantinedAt } = stored;
  const quarantined = quarantinedAt === null ? null : versionQuarantined({ set, number }, id);
  return { ...openVersion(stored, engine), quarantined };
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

/** A question with what the project keeps of its entities; what it tells itself counts more. */
async function withStored(
  known: KnownEntities,
  tenantId: string,
  told: Question,
): Promise<Question> {
  const { principal, resource, entities = [] } = told;
  const is = ({ uid: a }: EntityFacts, b: EntityFacts) =>
    a.type === b.uid.type && a.id === b.uid.id;
  const kept = await known(tenantId, [principal, resource, ...entities.map(({ uid }) => uid)]);
  return { ...told, kept: kept.filter((one) => !entities.some((other) => is(other, one))) };
}

const nobody = () => Promise.resolve(false);

/**
 * What a question says wrongly as a refusal. What is wrong only with what is kept is told without it, names of entities and
 * attributes, to those who may not read it.
 */
async function refusing<T>(
  asked: Question,
  mayReadKept: () => Promise<boolean>,
  work: (question: Question) => T,
): Promise<T> {
  const flaw = flawOf(asked, work);
  if (!(flaw instanceof Malformed)) return flaw;
  const { kept = [], ...told } = asked;
  const own = kept.length === 0 ? flaw : flawOf(told, work);
  const isOwn = own instanceof Malformed && own.at === flaw.at && own.message === flaw.message;
  throw isOwn || (await mayReadKept()) ? malformedQuestion(flaw) : keptMisfits();
}

function flawOf<T>(question: Question, work: (question: Question) => T): T | Malformed {
  try {
    return work(question);
  } catch (error) {
    if (error instanceof Malformed) return error;
    throw error;
  }
}
