import type { Tx } from "#kernel/db.ts";
import { Refusal } from "#kernel/refusal.ts";
import { parseJson } from "#verifier";
import type { Finding } from "../drift/find.ts";
import { DAY_MS, dayAfter, startOf } from "../drift/window.ts";
import { type SchemaJson as EngineSchema, Schema } from "../engine/index.ts";
import { openVersion } from "../policy.ts";
import { Candidate } from "../preview/candidate.ts";
import { readCandidate } from "../preview/load.ts";
import { type Bounds, compareGenerated, compareRecorded } from "./compare.ts";
import type { Side } from "./generate.ts";
import { isNews } from "./judge.ts";
import { type Moved, readMoved, readToldSets } from "./queries.ts";
import { generatedShown, recordedShown } from "./shapes.ts";

/** What a day is compared with, and the window that recorded questions are taken from. */
export const DAYS = 7;
/** Comparisons of one job; those beyond are counted. */
const COMPARED_MAX = 20;
const BOUNDS: Bounds = { decisions: 2_000_000, recorded: 2_000, generated: 2_000 };

/** What one comparison came to, as the job's result has it. */
export interface Compared extends Moved {
  readonly day: string;
  /** Null: one of the versions is not what was stored, so that nothing can be said. */
  readonly recorded: object | null;
  /** False: there is more than was looked at, so that nothing found is not nothing there. */
  readonly complete: boolean;
  readonly generated: object | null;
}

interface Meanings {
  readonly findings: readonly Finding[];
  readonly compared: readonly Compared[];
  readonly leftOut: number;
}

type Read = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

/**
 * For days on which a version was activated: what its set decides at the end of the day otherwise than a week before. However many
 * small changes lie between, each looked at alone, this is what they came to.
 */
export async function compareMeanings(
  read: Read,
  days: readonly string[],
  signal: AbortSignal,
): Promise<Meanings> {
  const findings: Finding[] = [];
  const compared: Compared[] = [];
  let leftOut = 0;
  for (const day of days) {
    const { moved, told } = await read(async (tx) => ({
      moved: await readMoved(tx, day, DAYS),
      told: await readToldSets(tx, day),
    }));
    for (const one of moved) {
      if (told.includes(one.set)) continue;
      if (compared.length >= COMPARED_MAX) leftOut++;
      else {
        const found = await compareSet(read, day, one, signal);
        compared.push(found.compared);
        findings.push(...found.findings);
      }
    }
  }
  return { findings, compared, leftOut };
}

async function compareSet(
  read: Read,
  day: string,
  moved: Moved,
  signal: AbortSignal,
): Promise<{ compared: Compared; findings: readonly Finding[] }> {
  const { set, before, after, since } = moved;
  const unsaid = { ...moved, day, recorded: null, complete: false, generated: null };
  const opened = await read(async (tx) => {
    try {
      return { before: await open(tx, set, before), after: await open(tx, set, after) };
    } catch (error) {
      // An edited version decides nothing, and whoever asks it is refused: it does not stop the watch for the others.
      if (error instanceof Refusal) return null;
      throw error;
    }
  });
  if (opened === null) return { compared: unsaid, findings: [] };
  const both = { before: opened.before.candidate, after: opened.after.candidate };
  const until_ms = startOf(dayAfter(day));
  const window = {
    set,
    since: new Date(until_ms - DAYS * DAY_MS).toISOString(),
    until: new Date(until_ms).toISOString(),
  };
  const recorded = await compareRecorded(read, both, window, BOUNDS, signal);
  const generated = await compareGenerated(both, opened, until_ms, BOUNDS, signal);
  const facts = {
    before,
    after,
    recorded: recordedShown(recorded),
    generated: generatedShown(generated),
  };
  const isFound = isNews(recorded.changes.counts) || isNews(generated.counts);
  return {
    compared: {
      ...unsaid,
      recorded: facts.recorded.counts,
      complete: recorded.isComplete,
      generated: facts.generated.counts,
    },
    findings: isFound ? [{ day, kind: "meaning_changed", cell: null, set, since, facts }] : [],
  };
}

async function open(
  tx: Tx,
  set: string,
  number: number,
): Promise<Side & { readonly candidate: Candidate }> {
  const { found, schema: json } = await readCandidate(tx, set, number);
  const schema = new Schema(json as EngineSchema);
  const version = openVersion(found);
  return {
    candidate: new Candidate(version, schema),
    document: parseJson(found.document),
    schema,
  };
}
