import { Refusal } from "#kernel/refusal.ts";

export const offsetArchived = (index: number, minimum: number) =>
  new Refusal(
    "action/offset_archived",
    410,
    "The events after this offset are in an archive",
    { index, minimum },
    `Start again after ${minimum}.0, and read what is before it from the archive's files; or restore the archive.`,
  );

export const offsetAhead = (index: number, size: number) =>
  new Refusal(
    "action/offset_ahead",
    409,
    "The offset is beyond the end of the project's log",
    { index, size },
    "The offset is another project's, or this database was restored from a backup: start again without it, after comparing checkpoints.",
  );
