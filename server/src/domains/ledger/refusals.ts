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

export const verificationBusy = (running: number) =>
  new Refusal(
    "action/verification_busy",
    503,
    "This server recomputes as many logs as it can at once",
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

export const indexBehind = (indexed: number, size: number) =>
  new Refusal(
    "action/index_behind",
    503,
    "Too many of the log's newest entries are not indexed yet to look through them one by one",
    { indexed_size: indexed, size },
    "Try again in some seconds; without filters the list is whole now.",
  );

export const unpublished = () =>
  new Refusal(
    "action/no_checkpoint",
    404,
    "This project's log has published no checkpoint yet",
    {},
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
