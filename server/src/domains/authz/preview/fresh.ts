import type { Tx } from "#kernel/db.ts";
import { parseJson } from "#verifier";
import { previewNeeded, previewPartial, previewStale } from "../refusals.ts";
import type { SetVersion } from "../sets/queries.ts";
import { readNewestPreview, type StoredPreview } from "./queries.ts";

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
  if (!isEnough(preview)) throw previewPartial(set, number, preview.id);
  const { base } = preview;
  if (base === active && age_ms < FRESH_MS) return preview.id;
  const age_s = Math.floor(age_ms / 1_000);
  throw previewStale(set, number, { preview_id: preview.id, base, active, age_s });
}

const HOUR_MS = 3_600_000;
const DAYS_MS = 7 * 86_400_000;
const DECISIONS = 10_000;

/** A preview of a second of last year says nothing: it reaches up to its own time, and back a week or many decisions. */
function isEnough({ report, createdAt }: Pick<StoredPreview, "report" | "createdAt">): boolean {
  const { since, until, complete, counts } = parseJson(report) as {
    readonly since: string | null;
    readonly until: string;
    readonly complete: boolean;
    readonly counts: { readonly decisions: number };
  };
  const made_ms = createdAt.getTime();
  if (Date.parse(until) < made_ms - HOUR_MS) return false;
  const isWeek = since === null || Date.parse(since) <= made_ms - DAYS_MS;
  return (complete && isWeek) || counts.decisions >= DECISIONS;
}
