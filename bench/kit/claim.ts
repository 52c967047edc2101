/** What a claim file measured. Both sides in the same unit, medians of interleaved rounds. */
export interface Measured {
  readonly ours: number;
  /** What ours is compared with; null when the target is a limit and not a comparison. */
  readonly theirs: number | null;
  /** What is held against the target: ours to theirs, or ours itself. */
  readonly figure: number;
  /** Beside the figure: sizes, spreads, second measurements. */
  readonly notes: readonly string[];
  /** Second measurements by name, kept in the history. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface Claim {
  readonly name: string;
  /** One line: ours against theirs. */
  readonly says: string;
  /** Of `ours` and `theirs`. */
  readonly unit: string;
  /** The figure reaches it from above ("min") or stays under it ("max"). */
  readonly target: number;
  readonly bound: "min" | "max";
}

export interface Result extends Claim, Measured {
  readonly reached: boolean;
}

/**
 * Runs a claim's measurement in this process, which is its own: nothing that another claim left in memory or in the
 * compiler helps or hurts it. Tells run.ts, or whoever started the file alone.
 */
export async function measure(claim: Claim, work: () => Promise<Measured>): Promise<void> {
  const measured = await work();
  const reached =
    claim.bound === "min" ? measured.figure >= claim.target : measured.figure <= claim.target;
  const result: Result = { ...claim, ...measured, reached };
  if (process.send === undefined) console.log(JSON.stringify(result, null, 2));
  else process.send(result);
}

/** Told on the command line: the sizes that take minutes, too. */
export const isFull = process.argv.includes("--full");
