import { createHash } from "node:crypto";
import type { Log as Logger } from "#kernel/log.ts";
import { formatNote, parseNote, type Signer } from "#verifier";
import { judge, type Log, type Refused, readRequest, type Signed } from "./judge.ts";
import type { Store } from "./store.ts";

/** Checkpoints of one log that are kept in a second, and at once after a pause: each is written to disk. */
const KEPT_PER_S = 20;
const BURST = 40;
/** Checkpoints of one log that are written down for a wrong proof before it grows again. */
const DOUBTED_MAX = 100;

export interface WitnessParts {
  readonly store: Store;
  readonly signer: Signer;
  readonly log: Logger;
  /** The log of this origin, if it is one that the witness signs for. */
  readonly logOf: (origin: string) => Log | undefined;
}

export type Answer =
  | { readonly status: 200; readonly cosignature: string }
  | Refused
  | { readonly status: 429; readonly why: string };

/**
 * Cosigns checkpoints of logs that only grow. For one log, checking and keeping go one after the other, so of two requests
 * from the same size one is first, and the other is told.
 */
export class Witness {
  readonly #parts: WitnessParts;
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #buckets = new Map<string, { tokens: number; at_ms: number }>();

  /** By log, hashes of the checkpoints that came with a wrong proof since it grew. */
  readonly #doubted = new Map<string, Set<string>>();

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  async add(text: string): Promise<Answer> {
    const request = readRequest(text, this.#parts.logOf);
    if ("status" in request) return request;
    const { signed, log } = request;
    return this.#inTurn(log.origin, async () => {
      const { store } = this.#parts;
      const last = await store.last(log.origin);
      const refused = judge(request, last);
      if (refused !== undefined) return this.#refuse(log, signed, refused);
      if (signed.checkpoint.size !== last?.checkpoint.size) {
        if (!this.#take(log.origin)) return { status: 429, why: "this log grows too often" };
        await store.keep(signed);
        this.#doubted.delete(log.origin);
      }
      return { status: 200, cosignature: await this.#cosign(signed) };
    });
  }

  /** The newest checkpoint that was cosigned, cosigned. */
  async newest(origin: string): Promise<string | undefined> {
    return this.#inTurn(origin, async () => {
      const last = await this.#parts.store.last(origin);
      return last && `${last.note}${await this.#cosign(last)}`;
    });
  }

  async #refuse(log: Log, signed: Signed, refused: Refused): Promise<Refused> {
    const { origin } = log;
    const { size } = signed.checkpoint;
    if (refused.fork === undefined) {
      // The checkpoint is the log's own word: with a wrong proof it may be all that will be left of a fork.
      if (refused.status === 422 && this.#isFirstDoubt(origin, signed))
        this.#parts.log.warn({ origin, size, note: signed.note }, refused.why);
      return refused;
    }
    const evidence = await this.#parts.store.keepFork(origin, refused.fork);
    this.#parts.log.error({ origin, size, evidence }, "the log signed two histories");
    return refused;
  }

  /** Anybody can send a checkpoint again with a wrong proof: that fills no disk. */
  #isFirstDoubt(origin: string, { note }: Signed): boolean {
    const doubted = this.#doubted.get(origin) ?? new Set();
    const hash = createHash("sha256").update(parseNote(note).text).digest("hex");
    if (doubted.size >= DOUBTED_MAX || doubted.has(hash)) return false;
    this.#doubted.set(origin, doubted.add(hash));
    return true;
  }

  /** The line alone, with its end. */
  async #cosign({ note }: Signed): Promise<string> {
    const { name, keyId, sign } = this.#parts.signer;
    const { text } = parseNote(note);
    const signature = await sign(Buffer.from(text));
    return formatNote({ text, signatures: [{ name, keyId, signature }] }).slice(text.length + 1);
  }

  #inTurn<T>(origin: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(origin) ?? Promise.resolve();
    const mine = before.catch(() => {}).then(work);
    this.#turns.set(origin, mine);
    const clear = () => {
      if (this.#turns.get(origin) === mine) this.#turns.delete(origin);
    };
    mine.then(clear, clear);
    return mine;
  }

  /** Asked only for checkpoints that their log signed and that go on from the last: nobody else can use up its share. */
  #take(origin: string): boolean {
    const at_ms = performance.now();
    const bucket = this.#buckets.get(origin) ?? { tokens: BURST, at_ms };
    const tokens = Math.min(BURST, bucket.tokens + ((at_ms - bucket.at_ms) / 1_000) * KEPT_PER_S);
    this.#buckets.set(origin, { tokens: tokens < 1 ? tokens : tokens - 1, at_ms });
    return tokens >= 1;
  }
}
