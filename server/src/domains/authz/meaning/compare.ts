import type { Tx } from "#kernel/db.ts";
import type { Question } from "#pipeline";
import { canonicalJson } from "#verifier";
import { readVersionIds } from "../preview/queries.ts";
import { Pace } from "../replay/pace.ts";
import { readRecordedOf, readSlices, readSpan } from "../replay/queries.ts";
import { knownOf } from "../replay/recall.ts";
import { generate, type Side } from "./generate.ts";
import { type Both, Changes } from "./judge.ts";
import { PAGE, readChoosable } from "./queries.ts";
import { type Chosen, Sample } from "./sample.ts";

/** How much is looked at. */
export interface Bounds {
  /** Decisions of the window that the sample is chosen from, the newest first. */
  readonly decisions: number;
  /** Questions that are asked of each kind. */
  readonly recorded: number;
  readonly generated: number;
}

type Read = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

/** Decisions that are read at once. */
const CHUNK = 50;
/** What all contexts and slices of a sample may come to, in characters. */
const CHARACTERS_MAX = 67_108_864;

/** What a sample of recorded questions came to. */
export interface Recorded {
  readonly changes: Changes<string>;
  /** Decisions of the window that were looked at. */
  readonly looked: number;
  /** False: the window has more decisions, cells or characters than are looked at. */
  readonly isComplete: boolean;
}

/** Puts a sample of a window's recorded questions about a set to both of its versions. No snapshot is held. */
export async function compareRecorded(
  read: Read,
  both: Both,
  asked: { readonly set: string; readonly since: string; readonly until: string },
  { decisions: max, recorded }: Bounds,
  signal?: AbortSignal,
): Promise<Recorded> {
  const { versions, span } = await read(async (tx) => ({
    versions: await readVersionIds(tx, asked.set),
    span: await readSpan(tx, asked),
  }));
  const sample = new Sample();
  let looked = 0;
  let { before } = span;
  for (let more = true; more && looked < max; ) {
    signal?.throwIfAborted();
    const page = await read((tx) => readChoosable(tx, { from: span.from, before, versions }));
    for (const one of page.rows) sample.add(one);
    looked += page.decisions;
    before = page.last ?? before;
    more = page.decisions === PAGE;
    if (!more) before = span.from;
  }
  const chosen = sample.chosen(recorded);
  const { changes, isWhole } = await judgeRecorded(read, both, chosen, signal);
  const isComplete = before === span.from && sample.cellsLeftOut === 0 && isWhole;
  return { changes, looked, isComplete };
}

async function judgeRecorded(
  read: Read,
  { before, after }: Both,
  chosen: readonly Chosen[],
  signal?: AbortSignal,
): Promise<{ changes: Changes<string>; isWhole: boolean }> {
  const cohorts = new Map(chosen.map(({ id, cohort }) => [id, cohort]));
  const changes = new Changes<string>();
  const pace = new Pace();
  let characters = 0;
  for (let i = 0; i < chosen.length && characters < CHARACTERS_MAX; i += CHUNK) {
    const ids = chosen.slice(i, i + CHUNK).map(({ id }) => id);
    const { rows, slices } = await read(async (tx) => {
      const found = await readRecordedOf(tx, ids);
      const hashes = [...new Set(found.map(({ slice_hash }) => slice_hash))];
      return { rows: found, slices: await readSlices(tx, hashes) };
    });
    for (const recorded of rows) {
      if (pace.isOver) await pace.rest(signal);
      const known = knownOf(slices.get(recorded.slice_hash));
      characters += recorded.context.length + known.length;
      const { id, action, resource_type: resourceType } = recorded;
      const alike = { cohort: cohorts.get(id)!, action, resourceType };
      changes.add(alike, before.judge(recorded, known), after.judge(recorded, known), () => id);
    }
  }
  return { changes, isWhole: characters < CHARACTERS_MAX };
}

/** A question that was made up, as POST /v1/policies/simulate takes it. */
export type MadeUp = ReturnType<typeof madeUp>;

/** Puts questions that were made for what changed to both versions. */
export async function compareGenerated(
  both: Both,
  sides: { readonly before: Side; readonly after: Side },
  time_ms: number,
  { generated }: Bounds,
  signal?: AbortSignal,
): Promise<Changes<MadeUp>> {
  const changes = new Changes<MadeUp>();
  const pace = new Pace();
  for (const question of generate(sides.before, sides.after, generated)) {
    if (pace.isOver) await pace.rest(signal);
    if (question === null) continue;
    const { principal, action, resource } = question;
    const alike = {
      cohort: cohortOf(principal),
      action: action.id,
      resourceType: resource.type,
    };
    const [was, is] = [both.before.ask(question, time_ms), both.after.ask(question, time_ms)];
    changes.add(alike, was, is, () => madeUp(question));
  }
  return changes;
}

const cohortOf = ({ type, groups }: Question["principal"]): string =>
  groups.length === 0
    ? type
    : `${type}[${[...groups]
        .sort()
        .map((group) => JSON.stringify(group))
        .join(", ")}]`;

/** Characters of an example; a longer one goes without its entities and context. */
const EXAMPLE_MAX = 2_000;

function madeUp({ principal, action, resource, context, entities = [] }: Question) {
  const whole = {
    principal,
    action: action.id,
    action_type: action.type ?? "Action",
    resource,
    context,
    entities: entities.map(({ uid, attrs = {}, parents = [] }) => ({ uid, attrs, parents })),
  };
  return canonicalJson(whole).length <= EXAMPLE_MAX
    ? whole
    : { ...whole, context: {}, entities: [] };
}
