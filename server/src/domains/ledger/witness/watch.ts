/** Half of each pause is chance, so that servers that lost a witness together do not come back together. */
const PAUSE_FIRST_MS = 250;
const PAUSE_MAX_MS = 10_000;

export const pauseOf = (failures: number, random: number): number =>
  Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** (failures - 1)) * (0.5 + random / 2);

/** One witness and one log: at most one question is under way, and none while it is left alone after failures. */
export class Lane {
  #turn: Promise<unknown> = Promise.resolve();
  #failures = 0;
  #until_ms = 0;
  /** What the witness is thought to have cosigned last. */
  size: number | undefined;

  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until it may be asked again. */
  pause_ms(now_ms: number): number {
    return Math.max(0, this.#until_ms - now_ms);
  }

  failed(now_ms: number): void {
    this.#failures++;
    this.#until_ms = now_ms + pauseOf(this.#failures, Math.random());
  }

  answered(): void {
    this.#failures = 0;
    this.#until_ms = 0;
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }
}

/** What is known of a log and its witnesses while the process lives. */
export class Watched {
  /** The witnesses have said that this database is no older copy. */
  admitted = false;
  /** One asked and all who wait for it share the answer. */
  admission: Promise<void> | undefined;
  running = false;
  again = false;
  stopped = false;
  /** Size of the checkpoint that is being asked about. */
  current = -1;
  asked_ms = Number.NEGATIVE_INFINITY;
  /** Since when its newest checkpoint has waited for the quorum. */
  waiting_ms: number | undefined;
  timer: NodeJS.Timeout | undefined;
  readonly #lanes = new Map<string, Lane>();

  lane(key: string): Lane {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane();
      this.#lanes.set(key, lane);
    }
    return lane;
  }
}
