import { createHash } from "node:crypto";
import { enqueue, type Handler } from "#domains/ops";
import { ensureModelVersion, storePoints } from "#domains/risk";
import { type Clock, timestamp } from "#kernel/clock.ts";
import type { Db, Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import { canonicalJson } from "#verifier";
import { compareMeanings } from "../meaning/watch.ts";
import { type Finding, HISTORY_DAYS, History } from "./find.ts";
import { MIX_MODEL, type MixMove, quaternionOf } from "./mix.ts";
import {
  countFirsts,
  countPage,
  readBefore,
  readChanges,
  readFirstDay,
  readFirstLate,
  readLastDay,
  readWindowsWithCells,
  storeFindings,
  storeWindow,
} from "./queries.ts";
import { dayAfter, dayOf, mixOf, Tally, type Window } from "./window.ts";

/** The topic of jobs that count the days that have ended, and look for drift; one at a time in a project. */
export const DRIFT = "authz.drift";

/** A day is counted once it has been over for this long: a decision is written a little after its id was made. */
const GRACE_MS = 600_000;
/** Windows are counted again when decisions came later than that, up to this many days back. */
const LATE_DAYS = 3;
/** A project that is counted for the first time begins at most this many days back. */
const FIRST_DAYS_MAX = 90;
/** Days of one job; another follows when there are more. */
const WINDOWS_PER_JOB = 14;
/** Decisions of one statement. */
const PAGE = 20_000;
/** Findings that an event names; the others are counted. */
const TOLD_MAX = 20;

interface Drift {
  readonly db: Db;
  readonly clock: Clock;
}

/** What became of one day. */
interface Found {
  readonly id: string;
  readonly window: Window;
  readonly findings: readonly Finding[];
  readonly leftOut: number;
  readonly mix: MixMove | null;
}

/** The job `authz.drift`: counts, compares, and tells those who watch. Done again, it changes nothing. */
export const watchDrift =
  ({ db, clock }: Drift): Handler =>
  async ({ tenantId, signal, progress }) => {
    const read = <T>(work: (tx: Tx) => Promise<T>) =>
      db.transaction({ role: "reader", tenantId }, work, signal);
    const until = dayOf(clock() - GRACE_MS);
    const days = await read((tx) => daysToCount(tx, until));
    const counted: Window[] = [];
    for (const day of days) {
      counted.push(await countDay(db, tenantId, day, signal));
      progress(counted.length / days.length);
    }
    const [first] = days;
    const last = days.at(-1);
    if (first === undefined || last === undefined)
      return { result: { windows: 0, findings: 0, compared: [], more: false } };
    const counts = await read((tx) => findIn(tx, first, counted));
    const newly = counts.map(({ window }) => window.day);
    const meanings = await compareMeanings(read, newly, signal);
    const found = counts.map((one) => ({
      ...one,
      findings: [...meanings.findings.filter(({ day }) => day === one.window.day), ...one.findings],
    }));
    const findings = found.flatMap((one) => one.findings);
    const more = last < dayAfter(until, -1);
    const createdAt = timestamp(clock());
    return {
      result: {
        windows: found.length,
        from: first,
        to: last,
        findings: findings.length,
        compared: meanings.compared,
        ...(meanings.leftOut === 0 ? {} : { not_compared: meanings.leftOut }),
        more,
      },
      async effect(tx) {
        await store(tx, tenantId, found, createdAt);
        if (more) await enqueue(tx, tenantId, { topic: DRIFT, payload: {}, orderingKey: DRIFT });
      },
      ...(findings.length === 0 ? {} : { event: eventOf(findings) }),
    };
  };

/** Days that have ended and were not counted, or that decisions came late for; those between are looked at again, too. */
async function daysToCount(tx: Tx, until: string): Promise<string[]> {
  const last = await readLastDay(tx);
  const start =
    last === undefined
      ? await readFirstDay(tx, dayAfter(until, -FIRST_DAYS_MAX))
      : ((await readFirstLate(tx, dayAfter(until, -LATE_DAYS))) ?? dayAfter(last));
  const days: string[] = [];
  for (
    let day = start;
    day !== undefined && day < until && days.length < WINDOWS_PER_JOB;
    day = dayAfter(day)
  )
    days.push(day);
  return days;
}

async function countDay(
  db: Db,
  tenantId: string,
  day: string,
  signal: AbortSignal,
): Promise<Window> {
  const tally = new Tally();
  const scope = { role: "writer", tenantId } as const;
  const next = (after: string | null) =>
    db.transaction(scope, (tx) => countPage(tx, tenantId, { day, after, limit: PAGE }), signal);
  for (let page = await next(null); ; page = await next(page.last)) {
    for (const part of page.parts) tally.add(part);
    if (page.decisions < PAGE) break;
  }
  return tally.window(day, await db.transaction(scope, (tx) => countFirsts(tx, day), signal));
}

/** What the windows that are new, or not as they were stored, have that those before them had not. */
async function findIn(tx: Tx, first: string, counted: readonly Window[]): Promise<Found[]> {
  const from = dayAfter(first, -HISTORY_DAYS);
  const stored = await readWindowsWithCells(tx, from, dayAfter(counted.at(-1)!.day));
  const known = new Map(stored.map(({ day, hash }) => [day, hash]));
  const passed = stored.filter(({ day }) => day < first);
  const hashes = new Set(counted.flatMap(({ cells }) => cells.map(({ hash }) => hash)));
  const before = await readBefore(tx, from, [...hashes]);
  const changes = await readChanges(tx, from);
  const history = new History(before.windows, before);
  for (const window of passed) history.pass(window);
  const found: Found[] = [];
  for (const window of counted) {
    for (const change of changes) if (change.day < window.day) history.know(change);
    if (known.get(window.day) === window.hash) history.pass(window);
    else found.push({ id: newId(), window, ...history.find(window) });
  }
  return found;
}

async function store(
  tx: Tx,
  tenantId: string,
  found: readonly Found[],
  createdAt: string,
): Promise<void> {
  for (const { id, window, findings, leftOut } of found) {
    await storeWindow(tx, tenantId, id, window, { findingsLeftOut: leftOut, createdAt });
    await storeFindings(tx, tenantId, id, findings, createdAt);
  }
  const text = canonicalJson(MIX_MODEL);
  const modelVersionId = await ensureModelVersion(tx, {
    ...MIX_MODEL,
    text,
    hash: createHash("sha256").update(text).digest(),
  });
  const points = found.flatMap(({ id, window, mix }) => {
    const at = quaternionOf(mixOf(window));
    const reference = mix && { id: newId(), at: mix.reference, distance_rad: mix.distance_rad };
    return at === null ? [] : [{ id, at, reference }];
  });
  await storePoints(
    tx,
    tenantId,
    { subjectType: "drift_window", modelVersionId, createdAt },
    points,
  );
}

function eventOf(findings: readonly Finding[]) {
  const told = findings.slice(0, TOLD_MAX).map(({ day, kind, cell, since, set, facts }) => ({
    day,
    kind,
    since,
    ...(set === undefined ? {} : { set, before: facts["before"]!, after: facts["after"]! }),
    cohort: cell?.cohort ?? null,
    action: cell?.action ?? null,
    resource_type: cell?.resourceType ?? null,
  }));
  return {
    kind: "drift",
    severity: "warning",
    facts: { findings: told, more_findings: findings.length - told.length },
  } as const;
}
