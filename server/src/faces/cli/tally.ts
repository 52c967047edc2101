import { Refusal } from "#kernel/refusal.ts";
import type { Outcome } from "#pipeline";
import { count, table } from "./print.ts";

export const LEVELS = ["LOW", "MEDIUM", "HIGH", "CRITICAL"] as const;

/** What came of many transactions; plain numbers, so that it can be kept in a file and continued. */
export interface TallyState {
  allowed: number;
  /** By refusal code. */
  refused: Record<string, number>;
  /** By level, of those that were scored: allowed, refused. */
  levels: Record<string, [number, number]>;
  /** Of rows with a label: fraud refused, fraud allowed, honest refused, honest allowed. */
  labels: [number, number, number, number];
  lastAllowed: string | null;
  lastRefused: string | null;
}

export class Tally {
  readonly state: TallyState;

  constructor(state?: TallyState) {
    this.state = state ?? {
      allowed: 0,
      refused: {},
      levels: {},
      labels: [0, 0, 0, 0],
      lastAllowed: null,
      lastRefused: null,
    };
  }

  /** Counts a call; refusals that are not about the transaction itself (no key, no engine) are thrown on. */
  async add(call: Promise<Outcome>, fraud?: boolean): Promise<void> {
    try {
      const { output, id } = await call;
      this.state.allowed++;
      this.state.lastAllowed = id;
      this.#level((output as { level: string }).level, 0);
      this.#label(fraud, false);
    } catch (error) {
      if (!(error instanceof Refusal) || !(error.step === "policy" || error.step === "score"))
        throw error;
      this.#refuse(error);
      this.#label(fraud, true);
    }
  }

  get total(): number {
    return this.state.allowed + Object.values(this.state.refused).reduce((sum, n) => sum + n, 0);
  }

  #refuse({ code, facts }: Refusal): void {
    this.state.refused[code] = (this.state.refused[code] ?? 0) + 1;
    if (code === "score/too_risky") this.state.lastRefused = facts["decision_id"] as string;
    this.state.lastRefused ??= facts["decision_id"] as string;
    if (typeof facts["level"] === "string") this.#level(facts["level"], 1);
  }

  #level(level: string, column: 0 | 1): void {
    this.state.levels[level] ??= [0, 0];
    this.state.levels[level][column]++;
  }

  #label(fraud: boolean | undefined, refused: boolean): void {
    if (fraud === undefined) return;
    const place = (fraud ? 0 : 2) + (refused ? 0 : 1);
    this.state.labels[place]!++;
  }
}

/** The table of a tally, as the README shows it. */
export function tallyText({ state, total }: Tally): string {
  const levels = LEVELS.filter((level) => state.levels[level] !== undefined).map((level) => {
    const [allowed, refused] = state.levels[level]!;
    return [`score ${level}`, allowed, refused] as const;
  });
  const unscored = Object.entries(state.refused).filter(([code]) => code !== "score/too_risky");
  const refused = total - state.allowed;
  const rows = [
    ...levels,
    ...unscored.map(([code, n]) => [code, 0, n] as const),
    ["all", state.allowed, refused] as const,
  ];
  const [fraudRefused, fraudAllowed, honestRefused] = state.labels;
  const fraud = fraudRefused + fraudAllowed;
  const labels =
    fraud === 0
      ? []
      : [
          "",
          `Of ${count(fraud)} labelled frauds ${count(fraudRefused)} were refused (recall ${percent(fraudRefused, fraud)}); ` +
            `${percent(fraudRefused, fraudRefused + honestRefused)} of the refusals were frauds (precision).`,
        ];
  return [table(["", "allowed", "refused"], rows), ...labels].join("\n");
}

const percent = (part: number, whole: number): string =>
  `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
