import { setTimeout as sleep } from "node:timers/promises";
import { type Handler, JobFailed } from "#domains/ops";
import { type Clock, timestamp } from "#kernel/clock.ts";
import type { Db, Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import { canonicalJson, parseJson } from "#verifier";
import {
  bare,
  Entities,
  EntityRef,
  PolicySet,
  type PolicySetJson,
  Schema,
} from "../engine/index.ts";
import { openVersion } from "../policy.ts";
import { Candidate } from "../preview/candidate.ts";
import { readCandidate } from "../preview/load.ts";
import { Pace } from "../replay/pace.ts";
import { Pages } from "../replay/pages.ts";
import { readSpan } from "../replay/queries.ts";
import type { SetVersion } from "../sets/queries.ts";
import { DEFAULT_SET, isValid, validate } from "../sets/versions.ts";
import { KEPT, KEPT_TYPE, propose } from "./propose.ts";
import { prove } from "./prove.ts";
import { insertProposal, readRanges, readStandings, readUsage, type Window } from "./queries.ts";
import { widens } from "./smt.ts";
import type { Used } from "./usage.ts";

/** Reads are recorded within a second of their decision, or later where the server is busy. */
const SETTLES_MS = 1_000;
const LOOKS_MAX = 5;

/** The topic of jobs that propose policies of least privilege; one at a time in a project. */
export const PROPOSE = "authz.propose";

export interface Asked {
  readonly set: string;
  /** Number of the active version. */
  readonly base: number;
  /** RFC 3339. */
  readonly since: string;
  readonly until: string;
  /** What of the use, beside actions and types of resources, permits are bound to. */
  readonly ranges: boolean;
  readonly groups?: boolean;
  readonly parents?: boolean;
  readonly createdBy: string;
}

interface Proposing {
  readonly db: Db;
  readonly clock: Clock;
}

/**
 * The job `authz.propose`: what the active policies were used for in a window, permits narrowed to that, a proof that they
 * permit nothing new, and a replay that shows whether anybody would lose what they used. Nothing decides by it until somebody
 * accepts it as a draft.
 */
export const proposeLeast =
  ({ db, clock }: Proposing): Handler =>
  async ({ tenantId, payload, signal, progress }) => {
    const { set, base, since, until, createdBy, ...bindings } = payload as Asked;
    const read = <T>(work: (tx: Tx) => Promise<T>) =>
      db.transaction({ role: "reader", tenantId }, work, signal);
    const { found, schema: schemaJson } = await read((tx) => readCandidate(tx, set, base));
    const before: PolicySetJson = parseJson(found.document);
    const schema = new Schema(schemaJson as never);
    // About the platform's own operations people call; about a project's own things they only ask.
    const window = { versionId: found.id, since, until, callsOnly: set === DEFAULT_SET };
    /** Reads are recorded a moment after they were decided: what comes between the two looks is looked at once more. */
    const mine = async () => {
      for (let attempt = 1; ; attempt++) {
        const used = await read((tx) => readUsed(tx, window, bindings));
        if (used.usage.length === 0)
          throw new JobFailed("No decision of this window was allowed by the active version", {
            final: true,
          });
        const proposed = propose(before, used, keptBy(before, schema));
        const { document } = proposed;
        const replayed = await replay({ read, signal, window, found, document, schema });
        if (replayed.newly_denied === 0 || attempt === LOOKS_MAX) return { ...proposed, replayed };
        await sleep(SETTLES_MS, undefined, { signal });
      }
    };
    const { document, evidence, replayed } = await mine();
    progress(0.6);
    const findings = await validate({ document, source: null }, schemaJson);
    if (!isValid(findings))
      throw new JobFailed(
        findings
          .map(({ message }) => message)
          .slice(0, 5)
          .join("; "),
        { final: true },
      );
    progress(0.7);
    const script = widens(document, before, schema);
    const proof = await prove(script);
    const verdict =
      proof.said === "unsat" ? "proven" : proof.said === "sat" ? "refuted" : "not_proven";
    const id = newId();
    return {
      result: {
        proposal_id: id,
        verdict,
        ...replayed,
        policies: Object.keys(document.staticPolicies).length,
      },
      effect: (tx) =>
        insertProposal(tx, tenantId, {
          id,
          ...window,
          document: canonicalJson(document),
          evidence: canonicalJson(evidence),
          smt: script,
          verdict,
          reason: proof.said === null ? proof.reason : null,
          replayed: replayed.replayed,
          newlyDenied: replayed.newly_denied,
          createdBy,
          createdAt: timestamp(clock()),
        }),
    };
  };

async function readUsed(
  tx: Tx,
  window: Window,
  { ranges, groups, parents }: Pick<Asked, "ranges" | "groups" | "parents">,
): Promise<Used> {
  const none = { standings: [], crowds: [] };
  const ofPrincipals = groups ? await readStandings(tx, window, "principal") : none;
  const ofResources = parents ? await readStandings(tx, window, "resource") : none;
  return {
    usage: await readUsage(tx, window),
    ranges: ranges ? await readRanges(tx, window) : [],
    standings: [...ofPrincipals.standings, ...ofResources.standings],
    crowds: [...ofPrincipals.crowds, ...ofResources.crowds],
  };
}

/** Which of the actions that no proposal may take away a policy allows, as far as its scopes say. */
function keptBy(document: PolicySetJson, schema: Schema): (policy: string) => readonly string[] {
  const { policies } = new PolicySet(document);
  const lineages = KEPT.map((id) => ({ id, lineage: schema.lineageOf({ type: "Action", id }) }));
  return (id) => {
    const policy = policies.find((one) => one.id === id)!;
    if (policy.resourceType !== null && policy.resourceType !== KEPT_TYPE) return [];
    return lineages.flatMap(({ id: action, lineage }) => {
      const entities = new Entities(
        lineage.map(({ uid, parents = [] }) =>
          bare(
            plain(uid),
            parents.map((parent) => new EntityRef(plain(parent).type, plain(parent).id)),
          ),
        ),
      );
      return policy.action(new EntityRef("Action", action), entities) ? [action] : [];
    });
  };
}

type Uid = { readonly type: string; readonly id: string };
const plain = (uid: Uid | { readonly __entity: Uid }): Uid =>
  "__entity" in uid ? uid.__entity : uid;

interface Replaying {
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  readonly signal: AbortSignal;
  readonly window: Window;
  readonly found: SetVersion;
  readonly document: PolicySetJson;
  readonly schema: Schema;
}

/** Decides what was allowed again by the proposal: how much of it would be denied. */
async function replay({ read, signal, window, found, document, schema }: Replaying) {
  const { versionId, since, until, callsOnly } = window;
  const base = openVersion(found);
  const candidate = new Candidate({ ...base, policies: new PolicySet(document) }, schema);
  const span = await read((tx) => readSpan(tx, { since, until }));
  const pace = new Pace();
  const counts = { replayed: 0, newly_denied: 0, unreadable: 0 };
  for await (const { decisions } of new Pages(read, [versionId]).through(span))
    for (const { recorded, known } of decisions) {
      if (pace.isOver) await pace.rest(signal);
      if (recorded.outcome !== "allow" || (callsOnly && recorded.asked_by !== null)) continue;
      const verdict = candidate.judge(recorded, known);
      counts.replayed++;
      if (verdict.kind === "unreadable") counts.unreadable++;
      else if (verdict.kind === "refused" || verdict.outcome === "deny") counts.newly_denied++;
    }
  return counts;
}
