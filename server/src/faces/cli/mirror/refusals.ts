import { Refusal } from "#kernel/refusal.ts";

const KEPT = "The mirror is as it was.";

export const unwritable = (dir: string, error: unknown) =>
  new Refusal(
    "cli/unwritable_folder",
    400,
    `${dir} cannot be written to`,
    { folder: dir, cause: (error as NodeJS.ErrnoException).code ?? "unknown" },
    "Give a folder that you may write to.",
  );

export const busy = (dir: string, pid: number) =>
  new Refusal(
    "cli/mirror_busy",
    409,
    "Another process mirrors into this folder",
    { folder: dir, pid },
    "Wait until it is done.",
  );

export const otherLog = (mirrored: string, served: string) =>
  new Refusal(
    "cli/mirror_other_log",
    409,
    "The folder holds a mirror of another log",
    { mirrored, served },
    "Give each log a folder of its own.",
  );

export const otherKind = (entries: boolean) =>
  new Refusal(
    "cli/mirror_other_kind",
    409,
    entries ? "The mirror in this folder has entries" : "The mirror in this folder has hashes only",
    { entries },
    entries ? "Leave --hashes out." : "Give --hashes, or begin in an empty folder.",
  );

export const shrunk = (mirrored: number, served: number) =>
  new Refusal(
    "verify/log_shrunk",
    409,
    "The log that is served is shorter than its mirror: entries were taken away, or the server is behind",
    { mirrored_size: mirrored, served_size: served },
    `${KEPT} Ask again later; if it stays so, keep the mirror: its checkpoint is the evidence.`,
  );

export const forked = (mirrored: string, served: string) =>
  new Refusal(
    "verify/log_forked",
    409,
    "The log that is served does not begin with the one that was mirrored, and both were signed",
    { mirrored_checkpoint: mirrored, served_checkpoint: served },
    `${KEPT} Keep both checkpoints: together they prove that the log was rewritten.`,
  );

export const wrongContent = (size: number) =>
  new Refusal(
    "verify/content_wrong",
    409,
    "What was served does not lead to the root that the log signed",
    { size },
    `${KEPT} Try again; if it stays so, do not trust the source.`,
  );

export const damaged = (why: string) =>
  new Refusal(
    "verify/mirror_damaged",
    409,
    "The mirror in this folder is not what its checkpoint says",
    { why },
    "Keep it if you need to know why, and begin in an empty folder.",
  );

export const lacks = (path: string) =>
  new Refusal(
    "verify/source_lacks",
    409,
    "The source lacks a file that a log of this size has",
    { path },
    `${KEPT} Ask again later, or another source. A log open for its hashes alone wants --hashes.`,
  );

export const sourceFailed = (url: string, why: string) =>
  new Refusal(
    "cli/mirror_source_failed",
    502,
    "The source did not answer as it should",
    { url, why },
    "Check the address; a log that is not open to everybody wants --key.",
  );
