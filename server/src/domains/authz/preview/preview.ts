import { hash } from "node:crypto";
import { timestamp } from "#kernel/clock.ts";
import type { Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import { turns } from "#kernel/turns.ts";
import { type StreamCall, sealEvent } from "#pipeline";
import { canonicalJson, parseJson } from "#verifier";
import { mayNotReadDecisions, previewRunning } from "../refusals.ts";
import { Pace } from "../replay/pace.ts";
import { Pages, passed, timeOf } from "../replay/pages.ts";
import { type Recorded, readSpan } from "../replay/queries.ts";
import type { Known } from "../replay/recall.ts";
import { readActiveOf, type SetVersion } from "../sets/queries.ts";
import type { Candidate, Verdict } from "./candidate.ts";
import { FRESH_MS } from "./fresh.ts";
import { loadCandidate } from "./load.ts";
import { readRevision, readVersionIds, storePreview } from "./queries.ts";
import { type Example, groupsShown, type Item, type KeptReport, lostShown } from "./shapes.ts";
import { type Change, changeOf, Tally } from "./tally.ts";

export interface Asked {
  readonly set: string;
  readonly number: number;
  readonly since: string | null;
  readonly until: string;
  /** Decisions to look at, the newest first. */
  readonly max: number;
}

type Of = Pick<
  StreamCall<unknown>,
  "id" | "requestId" | "ports" | "principal" | "principalAt" | "mayReadWhy" | "signal"
>;

/** Between two items that say how far it is. */
const PROGRESS_MS = 1_000;
/** Pages that are read at once, so that many previews leave connections for calls. */
const READS_AT_ONCE_MAX = 3;

const NOTHING = { progress: null, example: null, summary: null };
const inTurn = turns(READS_AT_ONCE_MAX);
/** Projects in which one is under way on this server: it computes for as long as it is followed. */
const running = new Set<string>();

/**
 * Decides the recorded questions of a window by another version: what would change, as it is found, and at the end the sum of
 * it, which is kept and sealed. Nobody's row is locked and no snapshot is held; a page is read while the one before is decided.
 */
export async function* previewVersion(call: Of, asked: Asked): AsyncGenerator<Item> {
  const { tenantId } = call.principal;
  if (!(await call.mayReadWhy())) throw mayNotReadDecisions("recorded decisions");
  if (running.has(tenantId)) throw previewRunning(asked.set);
  running.add(tenantId);
  try {
    yield* decided(call, asked);
  } finally {
    running.delete(tenantId);
  }
}

async function* decided(call: Of, asked: Asked): AsyncGenerator<Item> {
  const { ports, signal } = call;
  const { tenantId } = call.principal;
  const { set, number } = asked;
  const { found, candidate } = await loadCandidate(ports.db, tenantId, set, number);
  const read = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    const { revision, result } = await inTurn(() =>
      ports.db.transaction(
        { role: "reader", tenantId },
        async (tx) => ({
          revision: await readRevision(tx, tenantId, ports.revision),
          result: await work(tx),
        }),
        signal,
      ),
    );
    await call.principalAt(revision);
    return result;
  };
  const { base, span, versions } = await read(async (tx) => ({
    base: (await readActiveOf(tx, set))?.number ?? null,
    versions: await readVersionIds(tx, set),
    span: await readSpan(tx, asked),
  }));
  const tally = new Tally();
  const examples: KeptReport["examples"] = [];
  const pace = new Pace();
  let told_ms = performance.now();
  let isComplete = true;
  pages: for await (const { decisions, reached } of new Pages(read, versions).through(span)) {
    for (const { recorded, known } of decisions) {
      if (tally.counts.decisions === asked.max) {
        isComplete = false;
        break pages;
      }
      if (pace.isOver) await pace.rest(signal);
      const verdict = candidate.judge(recorded, known);
      const change = changeOf(recorded, verdict);
      tally.add(recorded, change, verdict);
      if (tally.takeExample(recorded, change)) {
        examples.push({ change, decision_id: recorded.id });
        yield { ...NOTHING, example: exampleOf(candidate, recorded, known, verdict, change) };
      }
    }
    if (performance.now() - told_ms >= PROGRESS_MS) {
      told_ms = performance.now();
      const fraction = passed(span, reached);
      yield { ...NOTHING, progress: { counts: { ...tally.counts }, fraction } };
    }
  }
  const report: KeptReport = {
    counts: { ...tally.counts },
    since: asked.since,
    until: asked.until,
    complete: isComplete,
    by_action: groupsShown(tally.by("action")),
    by_resource_type: groupsShown(tally.by("resourceType")),
    examples,
  };
  const { reportHash, createdAt_ms } = await keep(call, found, base, report);
  const { examples: _kept, ...summary } = report;
  yield {
    ...NOTHING,
    summary: {
      id: call.id,
      set,
      number,
      hash: found.hash,
      base,
      fresh_until: timestamp(createdAt_ms + FRESH_MS),
      report_hash: reportHash,
      lost_permissions: lostShown(tally.lost()),
      by_principal: groupsShown(tally.by("principal")),
      ...summary,
    },
  };
}

function exampleOf(
  candidate: Candidate,
  recorded: Recorded,
  known: Known,
  verdict: Verdict,
  change: Change,
): Example {
  const { id, principal, action, resource_type: type, resource_id, outcome } = recorded;
  const [reasons, errors] = [parseJson(recorded.reasons), parseJson(recorded.errors)];
  const denied =
    verdict.kind === "decided" && verdict.outcome === "deny"
      ? candidate.why(recorded, known)
      : null;
  return {
    change,
    decision_id: id,
    time: timestamp(timeOf(id)),
    principal,
    action,
    resource: { type, id: resource_id },
    recorded: { outcome, reasons, errors },
    candidate:
      verdict.kind === "decided"
        ? {
            outcome: verdict.outcome,
            reasons: [...verdict.reasons],
            errors: [...verdict.errors],
          }
        : null,
    why:
      verdict.kind === "refused"
        ? { at: verdict.at, message: verdict.message }
        : ((denied?.facts as Example["why"] | undefined) ?? null),
    help: denied?.help ?? null,
  };
}

/** Stores what is kept of a preview, and seals its hash with the counts. */
async function keep(
  { id, requestId, ports, principal }: Of,
  version: SetVersion,
  base: number | null,
  kept: KeptReport,
): Promise<{ reportHash: string; createdAt_ms: number }> {
  const { tenantId } = principal;
  const report = canonicalJson(kept);
  const reportHash = hash("sha256", report);
  const actor = `${principal.type}:${principal.id}`;
  const { set, number, hash: versionHash } = version;
  const facts = {
    preview: id,
    set,
    number,
    version_hash: versionHash,
    base,
    report_hash: reportHash,
    since: kept.since,
    until: kept.until,
    counts: { ...kept.counts },
  };
  await ports.ledger.ready(tenantId);
  const entryId = newId();
  const createdAt_ms = ports.clock();
  await ports.db.transaction({ role: "writer", tenantId }, async (tx) => {
    await storePreview(tx, tenantId, {
      id,
      policyVersionId: version.id,
      versionHash,
      base,
      report,
      reportHash,
      createdBy: actor,
      createdAt: timestamp(createdAt_ms),
    });
    const event = {
      id: entryId,
      time_ms: createdAt_ms,
      kind: "policy_previewed",
      severity: "info",
      actor,
      requestId,
      decisionId: null,
      facts,
    } as const;
    await sealEvent(tx, ports, tenantId, event, { decision: id });
  });
  ports.ledger.wake(tenantId);
  return { reportHash, createdAt_ms };
}
