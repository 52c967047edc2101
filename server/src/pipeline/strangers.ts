import type { Tx } from "#kernel/db.ts";
import { canonicalJson } from "#verifier";
import type { Operation } from "./operation.ts";
import type { Ports, Readers } from "./ports.ts";
import { invalid, logMissing, tooManyStrangers } from "./refusals.ts";

/** Of the pool's connections, those that people without a key may hold at once, and how many of them may wait. */
const AT_ONCE_MAX = 4;
const WAITING_MAX = 256;
/** How long what a project shows is believed for answers that are not read from the database. */
const SHOWN_MS = 1_000;
const PROJECTS_MAX = 10_000;

const WIDTH: Record<Readers, number> = { none: 0, hashes: 1, entries: 2 };

/**
 * Reads for people without a key: what a project shows to everybody, and nothing else of it. There is no principal, so no
 * policy decides and nothing is recorded; what is asked is counted. A closed log and one that is not there answer alike.
 */
export class Strangers {
  readonly #ports: Ports;
  /** By project, what it showed when it was last looked at. */
  readonly #shown = new Map<string, { readonly readers: Readers; readonly at_ms: number }>();
  /** Who asks for what is being read gets the same answer. */
  readonly #reading = new Map<string, Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /** Whether the project showed what this operation needs within the last second. */
  shows(operation: Operation, projectId: string): boolean {
    const found = this.#shown.get(projectId);
    const recent = found !== undefined && this.#ports.clock() - found.at_ms < SHOWN_MS;
    return recent && isEnough(operation, found.readers);
  }

  /** The output of an operation that has a way for strangers. Throws the refusal. */
  async read(operation: Operation, projectId: string, given: unknown): Promise<unknown> {
    const { calls } = this.#ports.metrics;
    try {
      const parsed = operation.input.safeParse(given);
      if (!parsed.success)
        throw invalid({ issues: parsed.error.issues.map(({ message }) => message) });
      const output = await this.#shared(operation, projectId, parsed.data);
      calls.inc({ operation: operation.name, outcome: "open", code: "" });
      return output;
    } catch (error) {
      const code = (error as { code?: string }).code ?? "";
      calls.inc({ operation: operation.name, outcome: "refused", code });
      throw error;
    }
  }

  #shared(operation: Operation, projectId: string, input: unknown): Promise<unknown> {
    const key = `${projectId} ${operation.name} ${canonicalJson(input)}`;
    let reading = this.#reading.get(key);
    if (reading === undefined) {
      reading = this.#inTurn(() => this.#look(operation, projectId, input)).finally(() =>
        this.#reading.delete(key),
      );
      this.#reading.set(key, reading);
    }
    return reading;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= AT_ONCE_MAX) {
      if (this.#waiting.length >= WAITING_MAX) throw tooManyStrangers(this.#waiting.length);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      // Whoever waits takes the place over; nobody else can come between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  async #look(operation: Operation, projectId: string, input: unknown): Promise<unknown> {
    const { db, readers } = this.#ports;
    const read = (tx: Tx) => operation.strangers!.read({ tx, input, ports: this.#ports });
    const scope = { role: "reader", tenantId: projectId } as const;
    const output = await db.transaction(scope, async (tx) => {
      // Both at once where they are likely both wanted. Elsewhere one after the other: how long it takes tells nothing then.
      const early = this.shows(operation, projectId) ? read(tx) : undefined;
      early?.catch(() => undefined);
      const shown = await readers(tx);
      this.#remember(projectId, shown);
      if (!isEnough(operation, shown)) {
        await early?.catch(() => undefined);
        throw logMissing();
      }
      return early ?? read(tx);
    });
    return operation.output.parse(output);
  }

  #remember(projectId: string, readers: Readers): void {
    if (this.#shown.size >= PROJECTS_MAX) this.#shown.clear();
    this.#shown.set(projectId, { readers, at_ms: this.#ports.clock() });
  }
}

const isEnough = ({ strangers }: Operation, readers: Readers): boolean =>
  strangers !== undefined && WIDTH[readers] >= WIDTH[strangers.need];
