import { count } from "./print.ts";

const BAR_WIDTH = 30;
const TERMINAL_MS = 100;
const PLAIN_SHARE = 0.25;

/** How far a long job is: one moving bar on a terminal, a line a quarter off it. */
export class Progress {
  readonly #label: string;
  readonly #total: number | undefined;
  readonly #start = performance.now();
  #shown_ms = Number.NEGATIVE_INFINITY;
  #shownShare = 0;

  /** @param total items; undefined when nobody knows yet */
  constructor(label: string, total: number | undefined) {
    this.#label = label;
    this.#total = total;
  }

  update(done: number): void {
    if (process.stderr.isTTY) this.#bar(done);
    else if (this.#total !== undefined && done / this.#total >= this.#shownShare + PLAIN_SHARE) {
      this.#shownShare += PLAIN_SHARE;
      process.stderr.write(`${this.#text(done)}\n`);
    }
  }

  finish(done: number): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${this.#text(done)}\n`);
    else if (this.#shownShare < 1) process.stderr.write(`${this.#text(done)}\n`);
  }

  /** Items a second since the start. */
  rate(done: number): number {
    return Math.round(done / Math.max(0.001, (performance.now() - this.#start) / 1000));
  }

  #bar(done: number): void {
    const now_ms = performance.now();
    if (now_ms - this.#shown_ms < TERMINAL_MS) return;
    this.#shown_ms = now_ms;
    const filled = this.#total === undefined ? 0 : Math.round((BAR_WIDTH * done) / this.#total);
    const bar =
      this.#total === undefined ? "" : `${"█".repeat(filled)}${"░".repeat(BAR_WIDTH - filled)} `;
    process.stderr.write(`\r\x1b[2K${bar}${this.#text(done)}`);
  }

  #text(done: number): string {
    const of = this.#total === undefined ? "" : ` of ${count(this.#total)}`;
    return `${this.#label} ${count(done)}${of}, ${count(this.rate(done))}/s`;
  }
}
