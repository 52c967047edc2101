import { openLogSigner } from "#domains/security";
import type { Db } from "#kernel/db.ts";
import type { Log } from "#kernel/log.ts";
import type { Metrics } from "#kernel/metrics.ts";
import { Refusal } from "#kernel/refusal.ts";
import { consistencyProof, EMPTY_ROOT, signCheckpoint, type Verifier } from "#verifier";
import { readHead, readNewestCheckpoint } from "../queries.ts";
import { behindWitness, disagreesWithWitness, witnessesUnreachable } from "../refusals.ts";
import { storedHashes } from "../tree.ts";
import { ask, type Said } from "./ask.ts";
import type { KnownWitness, WitnessPolicy } from "./policy.ts";
import {
  insertCosignature,
  insertWitnessed,
  readCosignatures,
  readCosignedSize,
  readNewestWitnessedSize,
  readUnwitnessedLogs,
} from "./queries.ts";
import { type Lane, Watched } from "./watch.ts";

/** From one question to the next about one log: who waits for a quorum waits less long than who does not. */
const EVERY_MS = { waiting: 100, beside: 1_000 };
const SWEEP_MS = 30_000;
const GAUGE_MS = 1_000;

export interface WitnessesParts {
  readonly db: Db;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly masterKey: Uint8Array;
  readonly policy: WitnessPolicy;
  /** A checkpoint of this size has its quorum. */
  readonly onWitnessed: (tenantId: string, size: number) => void;
  /** A witness has seen another history. */
  readonly onRefused: (tenantId: string, refusal: Refusal) => void;
}

/** What one witness says about a log, for an operator. */
export interface WitnessReport {
  readonly witness: string;
  readonly said: Said;
}

/**
 * Brings the newest checkpoint of each log to the witnesses and keeps what they say. Before a log's first signature of this
 * process they are asked, too: a database that was put back to an older state is consistent in itself, and only who
 * saw the newer one can tell. All of it is beside the calls, and outside of any transaction.
 */
export class Witnesses {
  readonly #parts: WitnessesParts;
  readonly #logs = new Map<string, Watched>();
  readonly #end = new AbortController();
  readonly #rounds = new Set<Promise<void>>();
  #timers: NodeJS.Timeout[] = [];

  constructor(parts: WitnessesParts) {
    this.#parts = parts;
  }

  /** What checks their cosignatures. */
  get verifiers(): readonly Verifier[] {
    return this.#parts.policy.witnesses.map(({ verifier }) => verifier);
  }

  /** Readers are shown a checkpoint once it has its quorum. */
  get waits(): boolean {
    return this.#parts.policy.waits;
  }

  /** Looks for checkpoints that an earlier process did not get cosigned. */
  start(): void {
    const sweep = () =>
      void this.#sweep().catch((error) =>
        this.#parts.log.error({ err: error }, "looking for unwitnessed logs failed"),
      );
    const lag = () => {
      const since = [...this.#logs.values()].flatMap(({ waiting_ms }) => waiting_ms ?? []);
      const lag_ms = since.length === 0 ? 0 : performance.now() - Math.min(...since);
      this.#parts.metrics.witnessLag.set(lag_ms / 1_000);
    };
    this.#timers = [setInterval(sweep, SWEEP_MS).unref(), setInterval(lag, GAUGE_MS).unref()];
    sweep();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    for (const { timer } of this.#logs.values()) clearTimeout(timer);
    this.#end.abort();
    await Promise.all(this.#rounds);
  }

  /** Throws when a witness has seen more or something else than this database holds, or when too few can be asked. */
  admit(tenantId: string): Promise<void> {
    const watched = this.#watched(tenantId);
    if (watched.admitted) return Promise.resolve();
    watched.admission ??= this.#admit(tenantId, watched).finally(() => {
      watched.admission = undefined;
    });
    return watched.admission;
  }

  /** Says that there is a newer checkpoint. */
  signed(tenantId: string): void {
    const watched = this.#watched(tenantId);
    watched.waiting_ms ??= performance.now();
    watched.again = true;
    if (watched.running || watched.stopped || this.#end.signal.aborted) return;
    watched.running = true;
    const round = this.#run(tenantId, watched)
      .catch((error) => this.#parts.log.error({ err: error }, "asking witnesses failed"))
      .finally(() => {
        watched.running = false;
        this.#rounds.delete(round);
        // Said between the last look and here.
        if (watched.again) this.signed(tenantId);
      });
    this.#rounds.add(round);
  }

  /** What each witness says about the log now; changes nothing but what they cosign. */
  async report(tenantId: string): Promise<WitnessReport[]> {
    const about = await this.#about(tenantId);
    return Promise.all(
      this.#parts.policy.witnesses.map(async (witness) => ({
        witness: witness.name,
        said: await this.#ask(tenantId, witness, about),
      })),
    );
  }

  async #admit(tenantId: string, watched: Watched): Promise<void> {
    const { policy } = this.#parts;
    const about = await this.#about(tenantId);
    const answered: string[] = [];
    await Promise.all(
      policy.witnesses.map(async (witness) => {
        const lane = watched.lane(witness.key);
        if (lane.pause_ms(performance.now()) > 0) return;
        const said = await lane.inTurn(() => this.#ask(tenantId, witness, about));
        await this.#heed(tenantId, witness, about, said, lane);
        if (said.what !== "failed") answered.push(witness.key);
      }),
    );
    if (policy.waits && !policy.isEnough(answered))
      throw witnessesUnreachable(
        about.origin,
        policy.witnesses.flatMap(({ key, name }) => (answered.includes(key) ? [] : [name])),
      );
    watched.admitted = true;
  }

  /** The newest checkpoint; of a log without one, the empty log's, which every history begins with. */
  async #about(tenantId: string): Promise<About> {
    return this.#parts.db.transaction({ role: "writer", tenantId }, async (tx) => {
      const newest = await readNewestCheckpoint(tx);
      const head = await readHead(tx);
      if (head === undefined) throw new Error(`project ${tenantId} has no log`);
      const { origin } = head;
      if (newest !== undefined)
        return { origin, size: newest.size, note: newest.note, stored: true };
      const { signer } = await openLogSigner(tx, this.#parts.masterKey, origin);
      const note = await signCheckpoint({ origin, size: 0, root: EMPTY_ROOT }, [signer]);
      return { origin, size: 0, note, stored: false };
    });
  }

  async #ask(tenantId: string, witness: KnownWitness, { size, note }: About): Promise<Said> {
    const { db, policy, metrics } = this.#parts;
    const scope = { role: "reader", tenantId } as const;
    const lane = this.#watched(tenantId).lane(witness.key);
    lane.size ??= await db.transaction(scope, (tx) => readCosignedSize(tx, witness.key));
    const signal = AbortSignal.any([this.#end.signal, AbortSignal.timeout(policy.timeout_ms)]);
    const said = await ask(
      witness,
      {
        size,
        note,
        from: lane.size,
        proofFrom: (old) =>
          db.transaction(scope, (tx) => consistencyProof(old, size, storedHashes(tx, size))),
      },
      signal,
    );
    metrics.witnesses.inc({ witness: witness.name, outcome: said.what });
    if (said.what === "cosigned") lane.size = size;
    return said;
  }

  /** Keeps a cosignature, takes note of a failure, and throws when the witness has seen another history. */
  async #heed(
    tenantId: string,
    { name, key }: KnownWitness,
    about: About,
    said: Said,
    lane: Lane,
  ): Promise<void> {
    const { origin, size } = about;
    if (said.what === "failed" || said.what === "unknown") {
      if (this.#end.signal.aborted) return;
      if (lane.failures === 0)
        this.#parts.log.warn({ log: origin, witness: name, why: said.why }, "no cosignature");
      lane.failed(performance.now());
      return;
    }
    lane.answered();
    if (said.what === "disagrees") throw disagreesWithWitness(origin, name, said.size);
    if (said.what === "cosigned") {
      if (about.stored) await this.#keep(tenantId, { size, key, line: said.line });
      return;
    }
    // What another server published is stored before a witness is asked: here it is, or it never was in this database.
    const newest = (await this.#about(tenantId)).size;
    if (newest < said.size)
      throw behindWitness(origin, name, { witnessed: said.size, stored: newest });
    lane.size = said.size;
    this.#watched(tenantId).again = true;
  }

  async #keep(
    tenantId: string,
    cosignature: { size: number; key: string; line: string },
  ): Promise<void> {
    const { db, policy, onWitnessed } = this.#parts;
    const scope = { role: "writer", tenantId } as const;
    await db.transaction(scope, (tx) => insertCosignature(tx, tenantId, cosignature));
    // Counted in a transaction after that: of two servers, the one that commits last sees both cosignatures.
    const { size } = cosignature;
    const enough = await db.transaction(scope, async (tx) => {
      const keys = (await readCosignatures(tx, [size])).map(({ key }) => key);
      if (!policy.isEnough(keys)) return false;
      await insertWitnessed(tx, tenantId, size);
      return true;
    });
    if (enough) onWitnessed(tenantId, size);
  }

  /** Rounds, until the newest checkpoint has its quorum: in each all witnesses are asked about the same one. */
  async #run(tenantId: string, watched: Watched): Promise<void> {
    const { policy } = this.#parts;
    const every_ms = policy.waits ? EVERY_MS.waiting : EVERY_MS.beside;
    while (watched.again && !watched.stopped && !this.#end.signal.aborted) {
      await this.#pause(watched.asked_ms + every_ms - performance.now());
      watched.again = false;
      watched.asked_ms = performance.now();
      const about = await this.#about(tenantId);
      if (!about.stored) return;
      watched.current = about.size;
      const quorum = Promise.withResolvers<void>();
      const asked = policy.witnesses
        .filter(({ key }) => watched.lane(key).pause_ms(performance.now()) === 0)
        .map((witness) =>
          this.#askInTurn(tenantId, watched, witness, about, () => quorum.resolve()),
        );
      await Promise.race([quorum.promise, Promise.all(asked)]);
      await this.#settle(tenantId, watched, about.size);
    }
  }

  async #askInTurn(
    tenantId: string,
    watched: Watched,
    witness: KnownWitness,
    about: About,
    enough: () => void,
  ): Promise<void> {
    const lane = watched.lane(witness.key);
    try {
      await lane.inTurn(async () => {
        // It took so long to come to its turn that the others are at a newer one.
        if (watched.current !== about.size || watched.stopped) return;
        const said = await this.#ask(tenantId, witness, about);
        await this.#heed(tenantId, witness, about, said, lane);
      });
      if ((await this.#witnessedSize(tenantId)) >= about.size) enough();
    } catch (error) {
      if (!(error instanceof Refusal)) {
        lane.failed(performance.now());
        this.#parts.log.error({ err: error, witness: witness.name }, "asking a witness failed");
        return;
      }
      watched.stopped = true;
      watched.admitted = false;
      this.#parts.onRefused(tenantId, error);
    }
  }

  /** After a round: nothing more to do, or again when the first witness that failed may be asked again. */
  async #settle(tenantId: string, watched: Watched, size: number): Promise<void> {
    if ((await this.#witnessedSize(tenantId)) >= size) {
      if (!watched.again) watched.waiting_ms = undefined;
      return;
    }
    const now_ms = performance.now();
    const pauses = this.#parts.policy.witnesses
      .map(({ key }) => watched.lane(key).pause_ms(now_ms))
      .filter((pause_ms) => pause_ms > 0);
    if (pauses.length === 0 || watched.stopped || this.#end.signal.aborted) return;
    clearTimeout(watched.timer);
    watched.timer = setTimeout(() => this.signed(tenantId), Math.min(...pauses) + 1).unref();
  }

  async #witnessedSize(tenantId: string): Promise<number> {
    const size = await this.#parts.db.transaction(
      { role: "reader", tenantId },
      readNewestWitnessedSize,
    );
    return size ?? -1;
  }

  async #sweep(): Promise<void> {
    const scope = { role: "writer", tenantId: null } as const;
    for (const tenantId of await this.#parts.db.transaction(scope, readUnwitnessedLogs))
      this.signed(tenantId);
  }

  #pause(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#end.signal.addEventListener(
        "abort",
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    });
  }

  #watched(tenantId: string): Watched {
    let watched = this.#logs.get(tenantId);
    if (watched === undefined) {
      watched = new Watched();
      this.#logs.set(tenantId, watched);
    }
    return watched;
  }
}

/** The checkpoint that witnesses are asked about. */
interface About {
  readonly origin: string;
  readonly size: number;
  readonly note: string;
  /** False when it was made to ask, and is not one of the log's own. */
  readonly stored: boolean;
}
