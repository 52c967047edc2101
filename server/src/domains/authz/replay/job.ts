import type { Handler } from "#domains/ops";
import { type Clock, timestamp } from "#kernel/clock.ts";
import type { Db, Tx } from "#kernel/db.ts";
import { Pace } from "./pace.ts";
import { Pages, passed } from "./pages.ts";
import { type NewDisagreement, readSpan, storeDisagreements } from "./queries.ts";
import { Replayer } from "./replay.ts";

/** The topic of jobs that decide recorded questions again; one at a time in a project. */
export const REPLAY = "authz.replay";

/** Disagreements that one job stores; those beyond are counted. */
const STORED_MAX = 1_000;
/** Disagreements that the event and the result name. */
const TOLD_MAX = 20;

interface Replaying {
  readonly db: Db;
  readonly clock: Clock;
  /** How many calls of these decisions' ids were erased, and with them what they decided. */
  readonly countErased: (tx: Tx, ids: { from: string; before: string }) => Promise<number>;
}

/** From when until when, RFC 3339. */
export interface Asked {
  readonly since: string | null;
  readonly until: string;
}

/**
 * The job `authz.replay`: decides every recorded question of a window again, by the engine and the version that decided it, and
 * tells those who watch where anything differs. It holds a page of decisions, and no snapshot.
 */
export const replayWindow =
  ({ db, clock, countErased }: Replaying): Handler =>
  async ({ id: jobId, tenantId, payload, signal, progress }) => {
    const { since, until } = payload as Asked;
    const read = <T>(work: (tx: Tx) => Promise<T>) =>
      db.transaction({ role: "reader", tenantId }, work, signal);
    const span = await read((tx) => readSpan(tx, { since, until }));
    const counts = { decisions: 0, agreed: 0, disagreed: 0, engine_unknown: 0 };
    const unknown = new Set<string>();
    const found: NewDisagreement[] = [];
    const replayer = new Replayer();
    const pace = new Pace();
    for await (const { decisions, versions, reached } of new Pages(read, null).through(span)) {
      replayer.know(versions);
      for (const { recorded, known } of decisions) {
        if (pace.isOver) await pace.rest(signal);
        const replay = replayer.replay(recorded, known);
        counts.decisions++;
        counts[replay.kind]++;
        if (replay.kind === "engine_unknown") unknown.add(recorded.engine);
        if (replay.kind === "disagreed" && found.length < STORED_MAX)
          found.push({
            decisionId: recorded.id,
            engine: recorded.engine,
            expected: { outcome: recorded.outcome, traceHash: recorded.trace_hash },
            found: replay.found,
          });
      }
      progress(passed(span, reached));
    }
    const erased = await read((tx) => countErased(tx, span));
    const told = found.slice(0, TOLD_MAX).map(toldOf);
    return {
      result: { since, until, ...counts, erased, engines_unknown: [...unknown].sort(), told },
      effect: (tx) => storeDisagreements(tx, tenantId, jobId, found, timestamp(clock())),
      ...(found.length === 0
        ? {}
        : {
            event: {
              kind: "replay_disagreed",
              severity: "critical",
              facts: {
                job: jobId,
                decisions: told,
                more_decisions: counts.disagreed - told.length,
              },
            },
          }),
    };
  };

const toldOf = ({ decisionId, engine, expected, found }: NewDisagreement) => ({
  id: decisionId,
  engine,
  expected: { outcome: expected.outcome, trace_hash: expected.traceHash },
  found: { outcome: found.outcome, trace_hash: found.traceHash },
});
