import { z } from "zod";
import { operation } from "#pipeline";
import {
  countEntries,
  insertReturning,
  lockMinimum,
  readOpenArchive,
  restoreEntries,
} from "../archive/queries.ts";
import { archiveUnsound, nothingArchived } from "../archive/refusals.ts";
import { checkReturning } from "../archive/returning.ts";
import { archivedEntry, ENTRIES_MAX } from "../archive/shapes.ts";
import { readMinimum } from "../queries.ts";

export const archiveRestore = operation({
  name: "ledger.archive.restore",
  summary:
    "Brings archived entries back, those next to the minimum index first; they are seen once the whole archive is there.",
  rest: "POST /v1/ledger/archives/restore",
  kind: "write",
  agents: "never",
  input: z.strictObject({ entries: z.array(archivedEntry).min(1).max(ENTRIES_MAX) }),
  sealedInput: ({ entries }) => ({ indexes: entries.map(({ index }) => index) }),
  output: z.object({
    first: z.int().describe("The archive that comes back begins here"),
    past: z.int(),
    missing: z.int().describe("Entries of it that are not here yet"),
    minimum: z.int(),
  }),

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ id: call, tx, principal, input: { entries } }) {
    await lockMinimum(tx);
    const archive = await readOpenArchive(tx);
    const past = await readMinimum(tx);
    if (archive === undefined) throw nothingArchived(past);
    const { first } = archive;
    await insertReturning(
      tx,
      principal.tenantId,
      await checkReturning(tx, { first, past }, entries),
    );
    const minimum = await restoreEntries(tx, call);
    if (minimum === -1) throw archiveUnsound(first, past);
    const missing = past - first - (await countEntries(tx, first, past));
    return { first, past, missing, minimum: minimum ?? past };
  },
});
