import { z } from "zod";
import { isEd25519Key } from "#verifier";
import { digest, hexOf } from "../digest.ts";
import { readRecord } from "../record.ts";

export const ENDORSERS_MIN = 5;
export const ENDORSERS_MAX = 100;

/** What the payment registry publishes: deterministic CBOR of exactly these five fields. */
export interface PaymentRecord {
  readonly curve: string;
  /** Ed25519 public keys in bytewise order, each once: who may endorse what follows, and this when nothing is in force. */
  readonly endorsers: readonly Buffer[];
  readonly keyset: Buffer;
  /** 1, and one more with each record that is published. */
  readonly number: number;
  /** SHA-256 of the record in force; null when none is. */
  readonly previous: Buffer | null;
}

const shape = (bytes: (length: number) => z.ZodType<Buffer, unknown>) =>
  z.strictObject({
    curve: z.string().min(1).max(60),
    endorsers: z
      .array(bytes(32))
      .min(ENDORSERS_MIN)
      .max(ENDORSERS_MAX)
      .refine(isRising, { message: "in bytewise order, each once" })
      .refine((keys) => keys.every(isEd25519Key), {
        message: "public keys of Ed25519 that are not weak",
      }),
    keyset: bytes(32),
    number: z.int().min(1),
    previous: bytes(32).nullable(),
  });

const isRising = (keys: readonly Buffer[]): boolean =>
  keys.every((key, i) => i === 0 || Buffer.compare(keys[i - 1]!, key) < 0);

export const readPaymentRecord = (record: Uint8Array): PaymentRecord =>
  readRecord("a payment record", record, shape);

/** What an endorser signs: SHA-256("BN-REG" ‖ record). */
export const registryMessage = (record: Uint8Array): Buffer => digest("BN-REG", record);

/** A keyset is named by SHA-256 of its public keys in bytewise order, one after the other; they have one length. */
export const keysetIdOf = (publicKeys: readonly Uint8Array[]): string =>
  hexOf(digest(...publicKeys.toSorted(Buffer.compare)));
