import { z } from "zod";
import {
  cosignatureTime,
  decodeEntry,
  keyLabel,
  leafHash,
  type NoteSignature,
  parseJson,
  parseNote,
  toHex,
} from "#verifier";
import type { StoredEntry } from "./queries.ts";

/** An entry as every face shows it. */
export const entry = z
  .object({
    id: z.uuid(),
    index: z.int(),
    leaf_hash: z.string().describe("Hex of SHA-256(0x00, entry bytes)"),
    entry: z.string().describe("The canonical text that is hashed"),
    time: z.string(),
    kind: z.string(),
    actor: z.string(),
    action: z.string(),
    outcome: z.string(),
    refs: z.record(z.string(), z.string()),
    payload_hash: z.string(),
    payload: z.json().describe("What the entry is about; null when it was erased"),
    erased_by: z.uuid().nullable().describe("The call that erased the payload; its entry says why"),
  })
  .meta({ id: "Entry" });

/** Place of a tile or bundle in its level. */
export const tileIndex = z.coerce.number().int().min(0).describe("Its place in its level, from 0");
export const tileWidth = z.coerce
  .number()
  .int()
  .min(1)
  .max(256)
  .optional()
  .describe("Only its first so many; as many as are published unless told");

export function shown({
  id,
  index,
  entry: bytes,
  payload,
  erasedBy,
}: StoredEntry): z.input<typeof entry> {
  const { time, kind, actor, action, outcome, refs, payload_hash } = decodeEntry(bytes);
  return {
    id,
    index,
    leaf_hash: toHex(leafHash(bytes)),
    entry: bytes.toString(),
    time,
    kind,
    actor,
    action,
    outcome,
    refs: { ...refs },
    payload_hash,
    payload: payload === null ? null : parseJson(payload),
    erased_by: erasedBy,
  };
}

/** Who cosigned a stored checkpoint, and when they say that they did; every line was checked before it was kept. */
export const cosignaturesIn = (note: string, origin: string): { key: string; time: string }[] =>
  parseNote(note)
    .signatures.filter(({ name }) => name !== origin)
    .map((cosigned) => ({ key: keyLabel(cosigned), time: timeOf(cosigned) }));

const timeOf = ({ signature }: NoteSignature): string =>
  new Date(Number(cosignatureTime(signature)) * 1_000).toISOString();
