import { z } from "zod";
import { parseJson, toHex, V1_VERDICTS } from "#verifier";
import type { StoredEntry } from "./queries.ts";

export const PAGE_MAX = 200;
/** Bytes of canonical texts in one answer. */
export const PAGE_BYTES_MAX = 4_194_304;
/** Bytes of one canonical text. */
export const TEXT_MAX = 1_048_576;

export const verdict = z.enum(V1_VERDICTS);
export const sequence = z.coerce.number().int().min(1);
export const cursor = z.coerce.number().int().min(1);
/** As the earlier vault did: what is beyond the bounds is brought to them. */
export const limit = z.coerce
  .number()
  .int()
  .default(20)
  .transform((wanted) => Math.min(Math.max(wanted, 1), PAGE_MAX))
  .describe("Brought to 1 to 200");

/** What every answer ends with. */
const NOTICE = {
  vault_backend: "postgres",
  authority_notice: "The vault records verdicts. It does not make them, and it gives no authority.",
} as const;

/** An answer of one of the actions, in the shape of the earlier vault. */
export const answerOf = <Shape extends z.ZodRawShape>(operation: string, shape: Shape) =>
  z.object({
    operation: z.literal(operation),
    verdict: z.string(),
    ...shape,
    vault_backend: z.string(),
    authority_notice: z.string(),
  });

export const answered = <Answer extends object>(answer: Answer) => ({ ...answer, ...NOTICE });

export const entry = z
  .object({
    sequence: z.int(),
    session_id: z.string(),
    seal_id: z.uuid(),
    timestamp: z.string().describe("As Python's isoformat() writes UTC"),
    authority: z.string(),
    verdict: z.string(),
    seal_data: z.json().describe("As JSON has it; a float such as 1.0 is exact in canonical only"),
    entry_hash: z.string().describe("Hex of SHA-256 of canonical"),
    prev_hash: z.string(),
    merkle_root: z.string().describe("Of all entries up to this one"),
    canonical: z.string().describe("The text that is hashed"),
    call_id: z.uuid().describe("Of the call that put it here: its entry in the project's log"),
  })
  .meta({ id: "VaultEntry" });

export function shown(row: StoredEntry): z.input<typeof entry> {
  const { authority, prev_hash, seal_data, seal_id, session_id, timestamp, verdict } = parseJson(
    row.canonical,
  );
  return {
    sequence: row.sequence,
    session_id,
    seal_id,
    timestamp,
    authority,
    verdict,
    seal_data,
    entry_hash: toHex(row.entryHash),
    prev_hash,
    merkle_root: toHex(row.merkleRoot),
    canonical: row.canonical,
    call_id: row.callId,
  };
}

/** Several entries, and where those after them begin. */
export const pageShape = {
  entries: z.array(entry),
  next_cursor: z.int().nullable().describe("Sequence to give as cursor for what follows"),
  has_more: z.boolean(),
};

export const pageOf = ({ rows, more }: { rows: readonly StoredEntry[]; more: boolean }) => ({
  entries: rows.map(shown),
  has_more: more,
  next_cursor: more ? rows.at(-1)!.sequence : null,
});
