import { Refusal } from "#kernel/refusal.ts";

const VERIFY =
  "Nothing was changed. Verify the log (`sealbase verify`), and look at what it finds.";

export const archiveEmpty = (past: number, minimum: number) =>
  new Refusal(
    "action/archive_empty",
    409,
    "Entries below this index are in archives already",
    { past, minimum },
    "Give an index above the minimum: GET /v1/ledger/archives.",
  );

export const archiveTooLarge = (first: number, past: number, entriesMax: number) =>
  new Refusal(
    "action/archive_too_large",
    400,
    "More entries would go than one archive has",
    { first, past, entries_max: entriesMax },
    "Archive them in several steps; `sealbase ledger archive` does.",
  );

export const archiveWrongRoot = (past: number) =>
  new Refusal(
    "action/archive_wrong_root",
    409,
    "The files do not lead to the log's root at this size",
    { past },
    "Nothing was taken away. Write the files again.",
  );

/** Somebody changed entries, or tiles, in the database. */
export const archiveUnsound = (first: number, past: number) =>
  new Refusal(
    "action/archive_unsound",
    409,
    "The stored entries are not what the log's tiles were made of",
    { first, past },
    VERIFY,
  );

export const nothingArchived = (minimum: number) =>
  new Refusal(
    "action/nothing_archived",
    409,
    "No archive reaches to the minimum index",
    { minimum },
    "Nothing: GET /v1/ledger/archives shows what is in archives.",
  );

export const outsideArchive = (index: number, { first, past }: { first: number; past: number }) =>
  new Refusal(
    "action/outside_archive",
    409,
    "The archive next to the minimum index comes back first, and this entry is not in it",
    { index, first, past },
    "Restore the archive from `first` to `past`.",
  );

export const archiveChanged = (index: number, why: string) =>
  new Refusal(
    "action/archive_changed",
    409,
    "What should come back is not what went into the archive",
    { index, why },
    "Nothing was restored. Fetch the archive's files again from where they are kept.",
  );
