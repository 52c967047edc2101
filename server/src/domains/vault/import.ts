import { createHash } from "node:crypto";
import type { Tx } from "#kernel/db.ts";
import {
  canonicalJson,
  parseJson,
  readV1File,
  type V1Chain,
  type V1File,
  VerifyError,
} from "#verifier";
import { bytesOf, chainOf, headAfter, lockHead } from "./head.ts";
import {
  append,
  type ImportedFile,
  readChecksum,
  type StoredEntry,
  type StoredHead,
} from "./queries.ts";
import { vaultConflict, vaultInvalid } from "./refusals.ts";
import { TEXT_MAX } from "./shapes.ts";

/** What the whole import will have brought, as its dry run found it. */
export interface Manifest {
  readonly entries: number;
  readonly first_sequence: number;
  readonly last_sequence: number;
  readonly head_hash: string;
  readonly merkle_root: string;
  readonly checksum: string;
}

export interface LegacyFile {
  readonly name: string;
  readonly text: string;
}

/**
 * Adds some of an import's files, in order, after the vault's head; nothing when one of them does not fit. With the last of
 * them, what is stored is counted and summed up again and compared with the manifest. True when it was the last.
 */
export async function importFiles(
  tx: Tx,
  call: { tenantId: string; id: string },
  manifest: Manifest,
  files: readonly LegacyFile[],
  mayHaveGaps: boolean,
): Promise<boolean> {
  const head = await lockHead(tx, call.tenantId);
  if (head.sequence > manifest.last_sequence)
    throw vaultConflict(`the vault is at sequence ${head.sequence}, beyond the import's last`);
  const { chain, entries, imported } = checked(head, files, call.id, mayHaveGaps);
  const { sequence } = chain.head;
  if (sequence > manifest.last_sequence)
    throw vaultInvalid(`sequence ${sequence} is beyond the import's last`);
  const complete = sequence === manifest.last_sequence;
  const until = complete ? null : manifest.last_sequence;
  await append(tx, call.tenantId, headAfter(chain, until), entries, imported);
  if (complete) await reconcile(tx, chain, manifest);
  return complete;
}

function checked(
  head: StoredHead,
  files: readonly LegacyFile[],
  callId: string,
  mayHaveGaps: boolean,
): { chain: V1Chain; entries: StoredEntry[]; imported: ImportedFile[] } {
  const chain = chainOf(head);
  const entries: StoredEntry[] = [];
  const imported: ImportedFile[] = [];
  for (const { name, text } of files) {
    const file = read(name, text);
    const expected = chain.head.sequence + 1;
    if (file.sequence < expected || (file.sequence > expected && !mayHaveGaps))
      throw vaultConflict(`${name}: sequence ${file.sequence} where ${expected} comes next`);
    const leafIndex = chain.range.size;
    const { prev_hash } = file.fields;
    const reason = chain.add({ ...file, prev_hash });
    if (reason !== undefined) throw vaultInvalid(`${name}: ${reason}`);
    entries.push(rowOf(file, leafIndex, callId));
    const hash = createHash("sha256").update(text).digest();
    imported.push({ sequence: file.sequence, name, hash });
  }
  return { chain, entries, imported };
}

function read(name: string, text: string): V1File {
  try {
    const file = readV1File(text);
    // What has no canonical JSON, such as half of a surrogate pair, could not be shown.
    canonicalJson(parseJson(file.text));
    if (file.text.length > TEXT_MAX) throw new TypeError(`more than ${TEXT_MAX} bytes`);
    return file;
  } catch (error) {
    if (!(error instanceof VerifyError || error instanceof TypeError)) throw error;
    throw vaultInvalid(`${name}: ${error.message}`);
  }
}

const rowOf = (
  { sequence, fields, text, entry_hash, merkle_root }: V1File,
  leafIndex: number,
  callId: string,
): StoredEntry => ({
  sequence,
  leafIndex,
  sealId: fields.seal_id,
  sessionId: fields.session_id,
  verdict: fields.verdict,
  timestamp: fields.timestamp,
  canonical: text,
  entryHash: bytesOf(entry_hash),
  prevHash: bytesOf(fields.prev_hash),
  merkleRoot: bytesOf(merkle_root),
  callId,
});

async function reconcile(tx: Tx, { head }: V1Chain, manifest: Manifest): Promise<void> {
  const { first_sequence, last_sequence } = manifest;
  const { files, checksum } = await readChecksum(tx, first_sequence, last_sequence);
  const found = {
    entries: files,
    checksum,
    head_hash: head.entry_hash,
    merkle_root: head.merkle_root,
  };
  for (const [name, value] of Object.entries(found)) {
    const wanted = manifest[name as keyof typeof found];
    if (value !== wanted) throw vaultConflict(`${name} is ${value}; the import says ${wanted}`);
  }
}
