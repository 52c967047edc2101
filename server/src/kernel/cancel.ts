import pg from "pg";

const IDLE_MS = 10_000;

/**
 * Stops what a server process is doing, on a connection of its own: the pool's may all be busy, and that is when it
 * matters most. One at a time, so that a thousand callers who leave at once cost one connection.
 */
export class Canceller {
  readonly #config: pg.ClientConfig;
  #client: Promise<pg.Client> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(config: pg.ClientConfig) {
    this.#config = config;
  }

  /** Resolves when the process was told; never throws, as nobody can do more about it. */
  cancel(pid: number): Promise<void> {
    const told = this.#last.then(() => this.#tell(pid));
    this.#last = told;
    return told;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    const client = await this.#client?.catch(() => undefined);
    this.#client = undefined;
    await client?.end();
  }

  async #tell(pid: number): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const client = await (this.#client ??= this.#open());
      await client.query("select pg_cancel_backend($1)", [pid]);
    } catch {
      this.#client = undefined;
    } finally {
      this.#timer = setTimeout(() => void this.close(), IDLE_MS).unref();
    }
  }

  async #open(): Promise<pg.Client> {
    const client = new pg.Client({ ...this.#config, application_name: "sealbase cancel" });
    client.on("error", () => {
      this.#client = undefined;
    });
    await client.connect();
    return client;
  }
}
