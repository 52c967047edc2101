import { randomFillSync } from "node:crypto";

const SALT_BYTES = 32;
const SALTS = 512;

/** Random salts of 32 bytes, drawn many at a time: asking the system for each cost more than hashing with it. */
export class Salts {
  #pool = Buffer.alloc(0);
  #used = 0;

  next(): Uint8Array {
    if (this.#used === this.#pool.length) {
      // A new pool each time: the salts of the last one are still on their way to the database.
      this.#pool = randomFillSync(Buffer.alloc(SALT_BYTES * SALTS));
      this.#used = 0;
    }
    this.#used += SALT_BYTES;
    return this.#pool.subarray(this.#used - SALT_BYTES, this.#used);
  }
}
