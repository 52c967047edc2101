import { createHash } from "node:crypto";
import { dayAfter, Tally, type Window } from "../../server/src/domains/authz/drift/window.ts";

export const DAYS = 60;
/** The day on which a drift begins. */
export const DRIFT_DAY = 40;
const FIRST_DAY = "2026-01-01";
const GROUPS = ["admins", "auditors", "readers", "services"];
const ACTIONS = ["doc.read", "doc.write", "doc.share", "doc.delete", "pay.small", "pay.large"];
/** People of a group; each does what the group does, some of it seldom. */
const PEOPLE = 12;

/** What a stream does besides being itself. All functions of the day, the group and the action. */
export interface Scenario {
  readonly name: string;
  /** The rate instead of the usual one. */
  readonly rate?: (usual: number, day: number, group: number, action: number) => number;
  readonly volume?: (usual: number, day: number) => number;
  /** How far a cell's rate wanders from day to day, as a standard deviation: traffic that is not independent. */
  readonly wander?: number;
  /** New people a day, who do what their group does. */
  readonly newcomers?: number;
  /** From the drift's day on somebody of this group does this, which the group never did. */
  readonly newUse?: { readonly group: number; readonly outcome: "allow" | "deny" };
  /** Which cells drift, as `group action`. */
  readonly drifts: readonly string[];
}

const after = (day: number) => day >= DRIFT_DAY;
const cell = (group: number, action: string) => `${GROUPS[group]} ${action}`;
const READERS = 2;

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "one action falls, 95 to 70 %",
    rate: (usual, day, group, action) =>
      group === READERS && action === 1 ? (after(day) ? 0.7 : 0.95) : usual,
    drifts: [cell(READERS, "doc.write")],
  },
  {
    name: "one rare action falls, 95 to 70 %",
    rate: (usual, day, group, action) =>
      group === READERS && action === 3 ? (after(day) ? 0.7 : 0.95) : usual,
    drifts: [cell(READERS, "doc.delete")],
  },
  {
    name: "always allowed falls to 90 %",
    rate: (usual, day, group, action) =>
      group === READERS && action === 2 ? (after(day) ? 0.9 : 1) : usual,
    drifts: [cell(READERS, "doc.share")],
  },
  {
    name: "creep, a point a day, 95 to 75 %",
    rate: (usual, day, group, action) =>
      group === READERS && action === 0
        ? 0.95 - 0.01 * Math.min(20, Math.max(0, day - DRIFT_DAY + 1))
        : usual,
    drifts: [cell(READERS, "doc.read")],
  },
  {
    name: "a policy denies one group",
    rate: (usual, day, group) => (group === READERS && after(day) ? 0 : usual),
    drifts: ACTIONS.map((action) => cell(READERS, action)),
  },
  {
    name: "two actions change places",
    rate: (usual, day, group, action) =>
      group === READERS && action < 2 ? ((action === 0) === after(day) ? 0.7 : 0.95) : usual,
    // Of the same traffic, so that the whole stays as it was.
    volume: () => 120,
    drifts: [cell(READERS, "doc.read"), cell(READERS, "doc.write")],
  },
  {
    name: "a new use is allowed",
    newUse: { group: READERS, outcome: "allow" },
    drifts: [cell(READERS, "keys.export")],
  },
  {
    name: "a new use is denied",
    newUse: { group: READERS, outcome: "deny" },
    drifts: [cell(READERS, "keys.export")],
  },
  { name: "noise", drifts: [] },
  {
    name: "noise, traffic doubles",
    volume: (usual, day) => (after(day) ? 2 * usual : usual),
    drifts: [],
  },
  { name: "noise, rates wander", wander: 0.04, drifts: [] },
  { name: "noise, newcomers every day", newcomers: 2, drifts: [] },
];

/** A stream of decisions as its windows, and what is known of it. */
export interface Stream {
  readonly scenario: Scenario;
  readonly windows: readonly Window[];
  /** `group action` of a cell's hash. */
  readonly names: ReadonlyMap<string, string>;
  /** Principals, groups and actions that came together for the first time, by day. */
  readonly firstTuples: readonly (readonly string[])[];
}

export function streamOf(scenario: Scenario, seed: number): Stream {
  const random = randomOf(seed * 7_919 + hashOf(scenario.name));
  const names = new Map<string, string>();
  const seen = new Set<string>();
  const firstTuples: string[][] = [];
  const people = GROUPS.map(() => Array.from({ length: PEOPLE }, (_, i) => `p${i}`));
  // A cell has its rate and its volume for the whole stream.
  const usual = GROUPS.map(() =>
    ACTIONS.map((_, action) => ({
      rate: 0.8 + 0.19 * random(),
      volume: action === 3 ? 25 : 60 + Math.floor(140 * random()),
    })),
  );
  const windows = Array.from({ length: DAYS }, (_, day) => {
    const tally = new Tally();
    const firsts: string[] = [];
    const first = { allowed: 0, denied: 0 };
    const add = (
      group: number,
      action: string,
      allowed: number,
      denied: number,
      by: readonly string[],
    ) => {
      const name = cell(group, action);
      const hash = createHash("sha256").update(name).digest("hex");
      names.set(hash, name);
      tally.add({
        hash,
        cohort: `User["${GROUPS[group]}"]`,
        action,
        resourceType: "Doc",
        allowed,
        denied,
        errors: 0,
        deniedErrors: 0,
      });
      for (let i = 0; i < allowed + denied; i++) {
        // People are not equally busy: the later ones come seldom.
        const person = by[Math.floor(by.length * random() ** 3)]!;
        const outcome = i < allowed ? "allowed" : "denied";
        const tuple = `${person} ${name} ${outcome}`;
        if (seen.has(tuple)) continue;
        seen.add(tuple);
        first[outcome]++;
        firsts.push(name);
      }
    };
    for (const [group, cells] of usual.entries()) {
      for (let i = 0; i < (scenario.newcomers ?? 0); i++) people[group]!.push(`n${day}-${i}`);
      for (const [action, { rate, volume }] of cells.entries()) {
        const mean = scenario.rate?.(rate, day, group, action) ?? rate;
        const today = Math.min(1, Math.max(0, mean + (scenario.wander ?? 0) * normal(random)));
        const count = Math.max(
          1,
          Math.round((scenario.volume?.(volume, day) ?? volume) * (0.9 + 0.2 * random())),
        );
        let allowed = 0;
        for (let i = 0; i < count; i++) if (random() < today) allowed++;
        add(group, ACTIONS[action]!, allowed, count - allowed, people[group]!);
      }
    }
    if (scenario.newUse !== undefined && after(day)) {
      const { group, outcome } = scenario.newUse;
      add(group, "keys.export", outcome === "allow" ? 2 : 0, outcome === "deny" ? 2 : 0, ["new"]);
    }
    firstTuples.push(firsts);
    return tally.window(dayAfter(FIRST_DAY, day), first);
  });
  return { scenario, windows, names, firstTuples };
}

/** Mulberry32 (T. Ettinger): the same numbers from the same seed on every machine. From 0 to below 1. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Box and Muller 1958. */
const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const hashOf = (text: string): number => createHash("sha256").update(text).digest().readUInt32BE();
