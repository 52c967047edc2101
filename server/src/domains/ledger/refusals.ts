import { Refusal } from "#kernel/refusal.ts";

const KEEP =
  "Signing stays off. Restore the newest backup, or keep this database as evidence and start a new log.";

export const restored = (log: string, published: number, stored: number) =>
  new Refusal(
    "seal/log_restored",
    503,
    "The log is shorter than its newest published checkpoint",
    { log, published_size: published, stored_size: stored },
    KEEP,
  );

export const forked = (log: string, size: number) =>
  new Refusal(
    "seal/log_inconsistent",
    503,
    "The stored log does not lead to the checkpoint that was published",
    { log, checkpoint_size: size },
    KEEP,
  );

/** Another sequencer was faster; the log is read again and nothing is lost. */
export const headMoved = (log: string, expected: number, found: number) =>
  new Refusal(
    "seal/head_moved",
    503,
    "The head of the log moved while a batch was being placed",
    { log, expected_size: expected, found_size: found },
    "Nothing: the log is read again by itself.",
  );

export const poolFull = (log: string, pending: number) =>
  new Refusal(
    "seal/pool_full",
    503,
    "So many entries of this log wait for their place that it takes no more",
    { log, pending },
    "Try again when the log has caught up; GET /readyz says why it is behind.",
  );

export const entryMissing = (id: string) =>
  new Refusal(
    "action/entry_missing",
    404,
    "This project's log has no such entry",
    { id },
    "List entries with GET /v1/ledger/entries.",
  );

export const entryPending = (id: string) =>
  new Refusal(
    "action/entry_pending",
    409,
    "The entry is durable but has no place in the log yet",
    { id },
    "Ask again in a second.",
  );

const RESTORE =
  "Restore it from the archive's files with `sealbase ledger restore DIR`; receipts and proofs of what was not archived go on to hold.";

export const entryArchived = (id: string, { index, minimum }: { index: number; minimum: number }) =>
  new Refusal(
    "action/entry_archived",
    410,
    "The entry is in an archive and not in the database any more",
    { id, index, minimum },
    RESTORE,
  );

export const bundleArchived = (index: number, minimum: number) =>
  new Refusal(
    "action/bundle_archived",
    410,
    "The entries of this bundle are in an archive; the log's hashes are all here",
    { index, minimum },
    RESTORE,
  );

export const receiptPending = (id: string, index: number) =>
  new Refusal(
    "action/receipt_pending",
    409,
    "No signed checkpoint covers the entry yet",
    { id, index },
    "Ask again in a second.",
  );

export const rootPending = (size: number | null) =>
  new Refusal(
    "action/root_seal_pending",
    409,
    "The root log has sealed no such head of this project's log yet",
    { size },
    "Ask again in some seconds: heads are sealed while a server runs.",
  );

export const sinceAhead = (since: number, size: number) =>
  new Refusal(
    "action/since_ahead",
    409,
    "More entries were verified before than the log has now",
    { since, size },
    "Verify from the beginning, and keep what was verified before as evidence: a log does not shrink.",
  );

export const sinceUnknown = (size: number) =>
  new Refusal(
    "action/since_unknown",
    404,
    "There is no checkpoint at this size to go on from",
    { size },
    "Give the root that the earlier verification told with its size.",
  );

export const verificationBusy = (running: number) =>
  new Refusal(
    "action/verification_busy",
    503,
    "This server recomputes a log for this project already, or as many as it can at once",
    { running },
    "Ask again when they are done.",
  );

export const tileMissing = (what: string, published: number) =>
  new Refusal(
    "action/tile_missing",
    404,
    "The published log does not reach as far as this tile",
    { tile: what, published_size: published },
    "Ask for what the newest checkpoint's size has: GET /v1/ledger/checkpoint.",
  );

export const sizesReversed = (older: number, newer: number) =>
  new Refusal(
    "action/sizes_reversed",
    400,
    "A log does not shrink: the older size is above the newer one",
    { older_size: older, newer_size: newer },
    "Give the smaller size as older_size.",
  );

export const sizeUnpublished = (size: number, published: number) =>
  new Refusal(
    "action/size_unpublished",
    404,
    "No checkpoint covers this size yet",
    { size, published_size: published },
    "Ask for a size up to that of the newest checkpoint.",
  );
export const badWitnessPolicy = (file: string, why: string) =>
  new Refusal(
    "config/bad_witness_policy",
    500,
    "The policy of the witnesses cannot be used",
    { file, why },
    "Write SEALBASE_WITNESS_POLICY as c2sp.org/tlog-policy says, each witness with its URL.",
  );

const RECOVER =
  "Signing stays off. See what the witnesses have with `sealbase witnesses`, restore a newer backup, and follow docs/runbooks/restore-refuses-to-sign.md.";

/** A witness has cosigned more than this database holds: it is an older copy. */
export const behindWitness = (
  log: string,
  witness: string,
  sizes: { witnessed: number; stored: number },
) =>
  new Refusal(
    "seal/log_behind_witness",
    503,
    "A witness has cosigned a larger checkpoint of the log than this database holds",
    { log, witness, witnessed_size: sizes.witnessed, stored_size: sizes.stored },
    RECOVER,
  );

/** A witness has cosigned something that this log does not begin with. */
export const disagreesWithWitness = (log: string, witness: string, size: number) =>
  new Refusal(
    "seal/log_disagrees_with_witness",
    503,
    "The stored log is not the one that a witness has cosigned",
    { log, witness, witnessed_size: size },
    RECOVER,
  );

/** A process without a policy would sign what the witnesses of the others would have refused. */
export const witnessesNotNamed = (log: string) =>
  new Refusal(
    "seal/witnesses_not_named",
    503,
    "The log has been witnessed, and this process names no witnesses to ask",
    { log },
    "Set SEALBASE_WITNESS_POLICY as its servers do; a policy of `quorum none` alone says that none are wanted any more.",
  );

/** Passes by itself: nothing is signed before the witnesses have said that this database is no older copy. */
export const witnessesUnreachable = (log: string, missing: readonly string[]) =>
  new Refusal(
    "seal/witnesses_unreachable",
    503,
    "Too few witnesses answer to know that this database is no older copy",
    { log, missing },
    "Nothing is lost: calls are durable, and are placed and published once the witnesses answer. See that they run.",
  );

/** What the sequencer tries again by itself; any other refusal of the seal needs an operator. */
export const passes = ({ code }: Refusal): boolean =>
  code === "seal/head_moved" || code === "seal/witnesses_unreachable";

export const indexBehind = (indexed: number, size: number) =>
  new Refusal(
    "action/index_behind",
    503,
    "Too many of the log's newest entries are not indexed yet to look through them one by one",
    { indexed_size: indexed, size },
    "Try again in some seconds; without filters the list is whole now.",
  );

/** The keys are needed before: by witnesses, which have to know a log that waits for them. */
export const unpublished = (keys: readonly string[]) =>
  new Refusal(
    "action/no_checkpoint",
    404,
    "This project's log has published no checkpoint yet",
    { keys },
    "Send a call that is sealed, such as POST /v1/risk/transactions, and ask again.",
  );

export const offsetUnknown = (offset: string) =>
  new Refusal(
    "action/offset_unknown",
    404,
    "No export of this log gave such an offset",
    { offset },
    "Give the offset of an item as it was given, or begin again without one.",
  );

export const notErasable = (id: string, index: number, why: string) =>
  new Refusal(
    "action/not_erasable",
    409,
    "The payload of this entry is kept",
    { id, index, why },
    "Erase entries of calls, refusals and events that hold what has to go.",
  );

export const payloadErased = (id: string, index: number, erasedBy: string | null) =>
  new Refusal(
    "action/payload_erased",
    409,
    "The payload of this entry was erased before",
    { id, index, erased_by: erasedBy },
    "Nothing: the entry of `erased_by` says why and when.",
  );

/** Somebody who owns the database took it away. */
export const payloadMissing = (index: number) =>
  new Refusal(
    "action/payload_missing",
    409,
    "The payload of this entry is gone, and no entry says that it was erased",
    { index },
    "Verify the log (`sealbase verify`), and restore the payload from a backup.",
  );
