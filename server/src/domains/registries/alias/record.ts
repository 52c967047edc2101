import { z } from "zod";
import { digest, uint64 } from "../digest.ts";
import { readRecord } from "../record.ts";

// What is signed about aliases. All integers in messages are 8 bytes, the most significant first; texts are UTF-8.

/** An alias names a node: deterministic CBOR of exactly these five fields. */
export interface AliasRecord {
  readonly alias: string;
  /** First 20 bytes of SHA-256 of the node's public key. */
  readonly node: Buffer;
  readonly seq: number;
  /** Ed25519 of `recordMessage` by the node's key. */
  readonly sig: Buffer;
  /** Seconds since 1970. */
  readonly ts: number;
}

export const NAME_MAX = 200;
/** One spelling (NFC), nothing invisible: no spaces, controls, formats, private or unassigned characters. */
export const aliasName = z
  .string()
  .min(1)
  .max(NAME_MAX)
  .refine((name) => name === name.normalize("NFC") && !/[\p{C}\p{Z}]/u.test(name), {
    message: "in NFC, without spaces and invisible characters",
  });

const shape = (bytes: (length: number) => z.ZodType<Buffer, unknown>) =>
  z.strictObject({
    alias: aliasName,
    node: bytes(20),
    seq: z.int().min(0),
    sig: bytes(64),
    ts: z.int().min(0),
  });

export const readAliasRecord = (record: Uint8Array): AliasRecord =>
  readRecord("an alias record", record, shape);

/** SHA-256("BN-L5" ‖ alias ‖ node ‖ seq ‖ ts). What follows the alias has 36 bytes, so no two records have one message. */
export const recordMessage = ({ alias, node, seq, ts }: Omit<AliasRecord, "sig">): Buffer =>
  digest("BN-L5", alias, node, uint64(seq), uint64(ts));

/** Who may vouch for an alias. */
export interface MaintainerSet {
  readonly alias: string;
  /** 1, and one more with each rotation. */
  readonly number: number;
  readonly minSigners: number;
  /** Ed25519 public keys. */
  readonly maintainers: readonly Uint8Array[];
}

/** SHA-256("BN-L5-SET" ‖ number ‖ min_signers ‖ how many ‖ public keys in bytewise order ‖ alias). */
export const setDigest = ({ alias, number, minSigners, maintainers }: MaintainerSet): Buffer =>
  digest(
    "BN-L5-SET",
    uint64(number),
    uint64(minSigners),
    uint64(maintainers.length),
    ...maintainers.toSorted(Buffer.compare),
    alias,
  );

/**
 * What a maintainer signs to vouch for a record: SHA-256("BN-L5-ENDORSE" ‖ digest of the set ‖ SHA-256(record)). Not the record's own
 * message: a node that is a maintainer has not endorsed itself by signing, and no endorsement outlives its set.
 */
export const endorsementMessage = (set: MaintainerSet, record: Uint8Array): Buffer =>
  digest("BN-L5-ENDORSE", setDigest(set), digest(record));

/** What two maintainers sign to hand over: SHA-256("BN-L5-ROTATE" ‖ digest of the current set ‖ digest of the next). */
export const rotationMessage = (current: MaintainerSet, next: MaintainerSet): Buffer =>
  digest("BN-L5-ROTATE", setDigest(current), setDigest(next));
