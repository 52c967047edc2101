import { timestamp } from "#kernel/clock.ts";
import type { Db, Tx } from "#kernel/db.ts";
import { turns } from "#kernel/turns.ts";
import { type Opened, openValidated } from "../filter/open.ts";
import { Candidate } from "../preview/candidate.ts";
import { comparisonRunning } from "../refusals.ts";
import { type Bounds, compareGenerated, compareRecorded } from "./compare.ts";
import { generatedShown, recordedShown } from "./shapes.ts";
import { DAYS } from "./watch.ts";

/** What one request looks at. */
const BOUNDS: Bounds = { decisions: 100_000, recorded: 500, generated: 500 };
const DAY_MS = 86_400_000;
/** Pages that are read at once, so that comparisons of many projects leave connections for calls. */
const READS_AT_ONCE_MAX = 2;
const inTurn = turns(READS_AT_ONCE_MAX);
/** Projects in which one is under way on this server. */
const running = new Set<string>();

export interface Asked {
  readonly set: string;
  readonly number: number;
  readonly before?: number | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly generate: boolean;
}

/** Whether recorded questions are asked: when a window is told. */
export const asksRecorded = ({ since, until }: Pick<Asked, "since" | "until">): boolean =>
  since !== undefined || until !== undefined;

type Read = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

/**
 * What questions that are recorded, and questions that are made up, say of two versions; null for those that nobody asked for. One
 * at a time in a project: each looks through a hundred thousand decisions, and thousands of questions.
 */
export async function compareSampled(db: Db, tenantId: string, asked: Asked, time_ms: number) {
  if (running.has(tenantId)) throw comparisonRunning(asked.set);
  running.add(tenantId);
  try {
    const read: Read = (work) => inTurn(() => db.transaction({ role: "reader", tenantId }, work));
    return await sampled(read, asked, time_ms);
  } finally {
    running.delete(tenantId);
  }
}

async function sampled(read: Read, asked: Asked, time_ms: number) {
  const { set, number } = asked;
  const [old, now] = await read(
    async (tx) =>
      [await openValidated(tx, set, asked.before), await openValidated(tx, set, number)] as const,
  );
  const candidate = ({ policies, schema }: Opened) => new Candidate({ policies }, schema);
  const both = { before: candidate(old), after: candidate(now) };
  const { until = timestamp(time_ms) } = asked;
  const { since = timestamp(Date.parse(until) - DAYS * DAY_MS) } = asked;
  const recorded = asksRecorded(asked)
    ? recordedShown(await compareRecorded(read, both, { set, since, until }, BOUNDS))
    : null;
  const generated = asked.generate
    ? generatedShown(await compareGenerated(both, { before: old, after: now }, time_ms, BOUNDS))
    : null;
  return { before: old.number, recorded, generated };
}

export type Sampled = Awaited<ReturnType<typeof compareSampled>>;
