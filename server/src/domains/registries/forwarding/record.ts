import { z } from "zod";
import { digest } from "../digest.ts";
import { readRecord } from "../record.ts";

/** What a relay forwarded in a period, and charged for it: deterministic CBOR of exactly these seven fields. */
export interface ForwardingRecord {
  readonly bytes: number;
  /** Begin and end (excluded) of the period, in seconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** What it was paid with; null: not with vouchers. */
  readonly keyset: Buffer | null;
  /** For whom; null: for all together. */
  readonly peer: Buffer | null;
  readonly relay: Buffer;
  /** Charged, in the keyset's units. */
  readonly units: number;
}

/** A moment that PostgreSQL and JavaScript both can say: before the year 2200. */
const seconds = z.int().min(0).max(7_258_118_399);

const shape = (bytes: (length: number) => z.ZodType<Buffer, unknown>) =>
  z
    .strictObject({
      bytes: z.int().min(0),
      end: seconds,
      keyset: bytes(32).nullable(),
      peer: bytes(20).nullable(),
      relay: bytes(20),
      start: seconds,
      units: z.int().min(0),
    })
    .refine(({ start, end }) => start < end, { message: "a period ends after it begins" });

export const readForwardingRecord = (record: Uint8Array): ForwardingRecord =>
  readRecord("a forwarding record", record, shape);

/** What the relay signs: SHA-256("BN-ACCOUNT" ‖ record). */
export const forwardingMessage = (record: Uint8Array): Buffer => digest("BN-ACCOUNT", record);
