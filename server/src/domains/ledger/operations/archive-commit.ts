import { z } from "zod";
import { operation } from "#pipeline";
import { rootAt, TILE_WIDTH } from "#verifier";
import { archiveEntries, lockMinimum, readUnexplained } from "../archive/queries.ts";
import {
  archiveEmpty,
  archiveTooLarge,
  archiveUnsound,
  archiveWrongRoot,
} from "../archive/refusals.ts";
import { ARCHIVE_MAX, manifestHash } from "../archive/shapes.ts";
import { readMinimum, readPublishedSize } from "../queries.ts";
import { payloadMissing, sizeUnpublished } from "../refusals.ts";
import { storedHashes } from "../tree.ts";

export const archiveCommit = operation({
  name: "ledger.archive.commit",
  summary:
    "Takes the oldest entries out of the database, once they are in files that were verified: `sealbase ledger archive` does both.",
  rest: "POST /v1/ledger/archives",
  kind: "write",
  agents: "never",
  input: z.strictObject({
    past: z
      .int()
      .min(TILE_WIDTH)
      .multipleOf(TILE_WIDTH)
      .describe(`The new minimum index: entries below it go; at most ${ARCHIVE_MAX} at once`),
    root: z
      .string()
      .max(44)
      .describe("Base64 of the log's root at that size, as the files give it"),
    manifest_hash: manifestHash,
  }),
  output: z.object({
    log: z.string(),
    first: z.int(),
    past: z.int(),
    minimum: z.int().describe("Entries below it are not in the database any more"),
  }),

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ id: call, tx, ports, input: { past, root, manifest_hash } }) {
    await lockMinimum(tx);
    const first = await readMinimum(tx);
    const { origin, published } = (await readPublishedSize(tx, ports.ledger))!;
    if (past > published) throw sizeUnpublished(past, published);
    if (past <= first) throw archiveEmpty(past, first);
    if (past - first > ARCHIVE_MAX) throw archiveTooLarge(first, past, ARCHIVE_MAX);
    const stored = await rootAt(past, storedHashes(tx, past));
    if (Buffer.from(stored).toString("base64") !== root) throw archiveWrongRoot(past);
    const unexplained = await readUnexplained(tx, first, past);
    if (unexplained !== undefined) throw payloadMissing(unexplained);
    const manifestHash = Buffer.from(manifest_hash, "hex");
    if (!(await archiveEntries(tx, { past, call, root: stored, manifestHash })))
      throw archiveUnsound(first, past);
    return { log: origin, first, past, minimum: past };
  },
});
