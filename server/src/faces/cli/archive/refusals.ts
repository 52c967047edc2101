import { Refusal } from "#kernel/refusal.ts";

/** A file of an archive is damaged, or somebody changed it. */
export const changed = (file: string, why: string) =>
  new Refusal(
    "verify/archive_changed",
    409,
    `${file} is not as it was archived`,
    { file, why },
    "Nothing was changed in the database. Fetch the file again from where archives are kept.",
  );

export const manifestMissing = (file: string) =>
  new Refusal(
    "cli/archive_missing",
    404,
    "The folder does not hold the archive that comes back next",
    { file },
    "Fetch the archive's files into the folder: its manifest under archive/, and all that it lists.",
  );

/** The log sealed another manifest under this range. */
export const otherManifest = (file: string, sealed: string, found: string) =>
  new Refusal(
    "verify/archive_changed",
    409,
    `${file} is not the manifest that the log sealed`,
    { file, sealed_sha256: sealed, found_sha256: found },
    "Nothing was changed in the database. Fetch the file again from where archives are kept.",
  );

export const otherLog = (archived: string, log: string) =>
  new Refusal(
    "cli/archive_other_log",
    409,
    "The folder holds archives of another log",
    { archived, log },
    "Give each log a folder of its own.",
  );

export const nothingToArchive = (minimum: number, below: number, published: number) =>
  new Refusal(
    "cli/nothing_to_archive",
    409,
    "No full bundle of 256 entries lies between the minimum index and where the archive should end",
    { minimum, below, published_size: published },
    "Give a larger --below, or fewer days, or wait until the log is longer.",
  );
