import { Refusal } from "#kernel/refusal.ts";

/** How a command is called, said once for all of them. */
export const usage = (command: string, why: string) =>
  new Refusal(
    "cli/usage",
    400,
    `sealbase ${command}: ${why}`,
    {},
    `See: sealbase ${command} --help`,
  );

export const badSince = (since: string) =>
  new Refusal(
    "cli/bad_since",
    400,
    "That is no place of a log",
    { since },
    "Give --since SIZE:ROOT as an earlier `sealbase verify` told it, or --since SIZE of a checkpoint.",
  );

export const unreadableFile = (file: string, error: unknown) =>
  new Refusal(
    "cli/unreadable_file",
    400,
    `${file} cannot be read`,
    { file, cause: (error as NodeJS.ErrnoException).code ?? "unknown" },
    "Give the name of a file that you can read.",
  );
