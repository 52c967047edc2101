import type { Tx } from "#kernel/db.ts";
import { parseJson, toHex, V1Chain, type V1Report, v1Hash } from "#verifier";
import { readV1Head } from "./head.ts";
import { readPage, type StoredEntry } from "./queries.ts";

const PAGE = { entries: 1_000, bytes: 16_777_216 };

/** Recomputes a project's vault from its stored texts, a page at a time, up to the first entry that does not hold. */
export async function verifyVault(tx: Tx): Promise<V1Report> {
  const chain = new V1Chain();
  for (let above = 0, more = true; more; ) {
    const page = await readPage(tx, { above }, "asc", PAGE);
    for (const row of page.rows) {
      const place = chain.range.size;
      const reason = chain.add({
        sequence: row.sequence,
        computedHash: hashOf(row),
        entry_hash: toHex(row.entryHash),
        prev_hash: toHex(row.prevHash),
        merkle_root: toHex(row.merkleRoot),
      });
      if (reason !== undefined) return chain.invalid(row.sequence, reason);
      if (row.leafIndex !== place) return chain.invalid(row.sequence, "merkle-mismatch");
      above = row.sequence;
    }
    more = page.more;
  }
  return chain.finish(await readV1Head(tx));
}

/** The hash of an entry's text; of nothing when the columns that it is found by say something else. */
function hashOf(row: StoredEntry): string | undefined {
  const { prev_hash, seal_id, session_id, timestamp, verdict } = parsed(row.canonical);
  const repeats =
    prev_hash === toHex(row.prevHash) &&
    seal_id === row.sealId &&
    session_id === row.sessionId &&
    verdict === row.verdict &&
    timestamp?.replace(/(:\d\d)\+/, "$1.000000+") === `${row.timestamp}+00:00`;
  return repeats ? v1Hash(row.canonical) : undefined;
}

function parsed(canonical: string): Partial<Record<string, string>> {
  try {
    return parseJson(canonical) ?? {};
  } catch {
    return {};
  }
}
