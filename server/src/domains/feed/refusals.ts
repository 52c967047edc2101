import { Refusal } from "#kernel/refusal.ts";

export const offsetAhead = (index: number, size: number) =>
  new Refusal(
    "action/offset_ahead",
    409,
    "The offset is beyond the end of the project's log",
    { index, size },
    "The offset is another project's, or this database was restored from a backup: start again without it, after comparing checkpoints.",
  );
