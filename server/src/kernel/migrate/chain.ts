import type { Refusal } from "../refusal.ts";
import type { AppliedMigration } from "./book.ts";
import type { Chain, Migration } from "./files.ts";
import { refuse } from "./refusals.ts";

export type Verdict = {
  pending: Migration[];
  unknown: AppliedMigration[];
  changed: AppliedMigration[];
  /** Why this build may neither migrate up nor serve; empty when it may. */
  refusals: Refusal[];
};

/** Compares the files of this build with what the database has applied. */
export function judge(chain: Chain, applied: readonly AppliedMigration[]): Verdict {
  const unknown = applied.slice(chain.migrations.length);
  const breaking = unknown.filter((row) => row.breaking);
  const changed = applied.filter((row) => {
    const file = chain.migrations[row.number - 1];
    return file !== undefined && (file.up.checksum !== row.checksum || file.name !== row.name);
  });
  const refusals: Refusal[] = [];
  if (breaking.length > 0) refusals.push(refuse.newerDatabase(named(breaking)));
  if (changed.length > 0) refusals.push(refuse.changedFile(named(changed)));
  return { pending: chain.migrations.slice(applied.length), unknown, changed, refusals };
}

function named(rows: readonly AppliedMigration[]): { number: number; name: string }[] {
  return rows.map(({ number, name }) => ({ number, name }));
}
