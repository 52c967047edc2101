import { Worker } from "node:worker_threads";
import { whose } from "#kernel/whose.ts";
import type { Calls } from "./calls.ts";
import { cedarBusy, cedarSlow, cedarTrapped, cedarUnread } from "./refusals.ts";

export interface Limits {
  /** One call, and the start of the thread when it needs one. */
  readonly call_ms: number;
  /** A thread that has nothing to do for so long is ended: it holds tens of megabytes. */
  readonly idle_ms: number;
  /** Calls of one project that wait; one more is refused. */
  readonly waiting_max: number;
  /** Calls of all projects that wait. */
  readonly waiting_all_max: number;
}

const LIMITS: Limits = { call_ms: 10_000, idle_ms: 30_000, waiting_max: 12, waiting_all_max: 240 };

const SERVED_MAX = 1_000;

interface Job {
  readonly name: keyof Calls;
  readonly args: readonly unknown[];
  /** The project; "" for the server's own. */
  readonly of: string;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

/** What the thread says to a call: one of these. */
interface Said {
  readonly answer?: unknown;
  readonly unread?: string;
  readonly thrown?: string;
}

/** From sources it lies beside this file, in the package beside the bundle. */
const FILE = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./cedar-worker.js";

/**
 * One thread for Cedar's WebAssembly, started at the first call. A call that traps or takes too long ends the thread
 * and is refused; the next call gets a new one.
 */
export class CedarPool {
  readonly #limits: Limits;
  readonly #waiting: Job[] = [];
  /** By project, the turn in which it was served last. */
  readonly #served = new Map<string, number>();
  #turn = 0;
  #worker: Worker | null = null;
  #busy: Job | null = null;
  #timer: NodeJS.Timeout | undefined;
  /** Threads started so far. */
  starts = 0;

  constructor(limits: Partial<Limits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** True while it holds a thread. */
  get running(): boolean {
    return this.#worker !== null;
  }

  call<K extends keyof Calls>(
    name: K,
    ...args: Parameters<Calls[K]>
  ): Promise<ReturnType<Calls[K]>> {
    const of = whose();
    const own = this.#waiting.filter((job) => job.of === of).length;
    if (own >= this.#limits.waiting_max || this.#waiting.length >= this.#limits.waiting_all_max)
      return Promise.reject(cedarBusy(own));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, args, of, resolve, reject });
      this.#next();
    });
  }

  /** Ends the thread; calls under way are refused. */
  async close(): Promise<void> {
    const worker = this.#end(cedarTrapped("the server stops"));
    for (const job of this.#waiting.splice(0)) job.reject(cedarTrapped("the server stops"));
    await worker?.terminate();
  }

  #next(): void {
    if (this.#busy !== null) return;
    clearTimeout(this.#timer);
    const job = this.#take();
    if (job === undefined) {
      this.#worker?.unref();
      this.#timer = setTimeout(() => void this.#end()?.terminate(), this.#limits.idle_ms).unref();
      return;
    }
    this.#busy = job;
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#timer = setTimeout(
      () => this.#drop(cedarSlow(this.#limits.call_ms)),
      this.#limits.call_ms,
    );
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    this.#worker.postMessage({ name: job.name, args: job.args });
  }

  /** The oldest call of the project that was served longest ago: who sends many waits for themselves. */
  #take(): Job | undefined {
    const [first] = this.#waiting;
    if (first === undefined) return undefined;
    const turnOf = ({ of }: Job) => this.#served.get(of) ?? 0;
    const next = this.#waiting.reduce(
      (best, job) => (turnOf(job) < turnOf(best) ? job : best),
      first,
    );
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    if (this.#served.size >= SERVED_MAX) this.#served.clear();
    this.#served.set(next.of, ++this.#turn);
    return next;
  }

  #start(): Worker {
    const worker = new Worker(new URL(FILE, import.meta.url), {
      name: "cedar",
      // The server's own flags and preloads are not for it.
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 },
    });
    this.starts += 1;
    worker.on("message", ({ answer, unread, thrown }: Said) => {
      if (worker !== this.#worker) return;
      if (thrown !== undefined) return this.#drop(cedarTrapped(thrown));
      const job = this.#busy;
      this.#busy = null;
      if (unread === undefined) job?.resolve(answer);
      else job?.reject(cedarUnread(unread));
      this.#next();
    });
    worker.on("error", (error) => {
      if (worker === this.#worker) this.#drop(cedarTrapped(String(error)));
    });
    worker.on("exit", (code) => {
      if (worker === this.#worker) this.#drop(cedarTrapped(`the thread ended with ${code}`));
    });
    return worker;
  }

  #drop(error: Error): void {
    void this.#end(error)?.terminate();
    this.#next();
  }

  /** Forgets the thread, which its caller ends, and refuses what it was doing. */
  #end(error?: Error): Worker | null {
    clearTimeout(this.#timer);
    const [worker, job] = [this.#worker, this.#busy];
    this.#worker = null;
    this.#busy = null;
    if (error !== undefined) job?.reject(error);
    return worker;
  }
}
