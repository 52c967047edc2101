import { decodeEntry, type Entry } from "#verifier";
import type { StoredErasure } from "./queries.ts";

/** The operation whose entries say that a payload was erased. */
export const ERASE = "ledger.payload.erase";

/** Entries about what somebody did or tried. The others hold nobody's words, and the log needs them to be checked or followed. */
const KINDS: ReadonlySet<string> = new Set(["call", "refusal", "event"]);

/** What was done here is not erased: why a payload is gone or where entries went, and what the vault's own format keeps as it was hashed. */
const KEPT = [ERASE, "ledger.archive.", "vault."] as const;

/** Why the payload of an entry stays; null when it may be erased. */
export function whyKept({ kind, action, outcome }: Entry): string | null {
  if (!KINDS.has(kind)) return `entries of kind ${kind} are about the log itself`;
  if (outcome !== "done" || !KEPT.some((name) => action.startsWith(name))) return null;
  return action.startsWith("vault.")
    ? "the vault keeps what was sealed there as it was hashed"
    : "it says what was erased or archived";
}

/** Ids whose payload an entry of the log, or on its way to it, says to be erased. A booked erasure alone is only a row. */
export const sealedErasures = (rows: readonly StoredErasure[]): ReadonlySet<string> =>
  new Set(rows.filter(isSealed).map(({ id }) => id));

function isSealed({ id, entry }: StoredErasure): boolean {
  if (entry === null) return false;
  try {
    const { action, outcome, refs } = decodeEntry(entry);
    return action === ERASE && outcome === "done" && refs["entry"] === id;
  } catch {
    return false;
  }
}
