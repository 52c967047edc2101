import type { Tx } from "#kernel/db.ts";
import { previewNeeded, previewStale } from "../refusals.ts";
import type { SetVersion } from "../sets/queries.ts";
import { readNewestPreview } from "./queries.ts";

/** A preview says less and less about what will be decided. */
export const FRESH_MS = 86_400_000;

/**
 * The preview that lets a version be activated: of what it says now, against what is active now, at most a day old. Null where
 * nothing is active, so that nothing changes. Throws the refusal that says what is missing.
 */
export async function freshPreview(
  tx: Tx,
  version: Pick<SetVersion, "id" | "set" | "number" | "hash">,
  active: number | null,
  now_ms: number,
): Promise<string | null> {
  if (active === null) return null;
  const { id, set, number, hash } = version;
  const preview = await readNewestPreview(tx, id);
  if (preview === undefined || preview.versionHash !== hash) throw previewNeeded(set, number);
  const age_ms = now_ms - preview.createdAt.getTime();
  const { base } = preview;
  if (base === active && age_ms < FRESH_MS) return preview.id;
  const age_s = Math.floor(age_ms / 1_000);
  throw previewStale(set, number, { preview_id: preview.id, base, active, age_s });
}
