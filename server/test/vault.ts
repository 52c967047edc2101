import { createHash } from "node:crypto";
import { V1_GENESIS, type V1Fields, V1Range, v1Hash, v1Text } from "#verifier";
import type { Caller, TestSystem } from "./system.ts";

export const seal = (caller: Caller, payload: object = {}, session_id = "s1") =>
  caller.call("POST", "/v1/vault/entries", { session_id, payload });

export const verify = async (caller: Caller) =>
  (await caller.call("POST", "/v1/vault/verify", {})).body;

/** A project whose vault has this many entries, alternately SEAL and VOID. */
export async function vaultOf(system: TestSystem, count: number): Promise<Caller> {
  const caller = await system.project();
  for (let n = 0; n < count; n++) {
    const { status, text } = await seal(caller, { verdict: n % 2 === 0 ? "SEAL" : "VOID", n });
    if (status !== 201) throw new Error(text);
  }
  return caller;
}

/** A file of an earlier ledger. */
export interface LegacyFile {
  readonly name: string;
  readonly text: string;
}

const VERDICTS = ["SEAL", "VOID", "HOLD-888", "PARTIAL", "888_HOLD"];
/** What JavaScript alone would not keep: floats without a fraction, large integers, keys that it sorts otherwise. */
const DATA = [
  '{"target":"seal","test":true}',
  '{"target":"seal","x":1.0,"é":"ü"}',
  '{"n":12345678901234567890123,"z":-0.0,"e":1e22,"f":1E-7}',
  '{"😀":1,"ﬀ":2,"__proto__":{"a":"\\u0000"}}',
  '{ "b" : [1, 2.50 , null], "a":{} }',
];

/** A whole ledger as Python would have written it, from the first entry on. */
export function legacyFiles(
  count: number,
  change: (
    fields: V1Fields,
    sequence: number,
  ) => Partial<V1Fields & { sequence: number }> = () => ({}),
): LegacyFile[] {
  let prev_hash = V1_GENESIS;
  const range = new V1Range();
  return Array.from({ length: count }, (_, i) => {
    const second = String(i % 60).padStart(2, "0");
    const given: V1Fields = {
      authority: "system",
      prev_hash,
      seal_data: DATA[i % DATA.length]!,
      seal_id: `00000000-0000-4000-8000-${String(i + 1).padStart(12, "0")}`,
      session_id: `s${i % 3}`,
      timestamp: `2026-02-02T00:${String(Math.floor(i / 60)).padStart(2, "0")}:${second}${i % 2 === 1 ? ".500001" : ""}+00:00`,
      verdict: VERDICTS[i % VERDICTS.length]!,
    };
    const { sequence = i + 1, ...fields } = { ...given, ...change(given, i + 1) };
    const entry_hash = v1Hash(v1Text(fields));
    range.append(entry_hash);
    prev_hash = entry_hash;
    const { seal_data, ...texts } = fields;
    const rest = JSON.stringify({ sequence, entry_hash, merkle_root: range.root(), ...texts });
    // Its own text, so that no number passes through JavaScript.
    const text = `${rest.slice(0, -1)},\n "seal_data": ${seal_data}}\n`;
    return { name: `${String(sequence).padStart(6, "0")}.json`, text };
  });
}

/** The SHA-256 of what `sha256sum *.json` prints. */
export const checksumOf = (files: readonly LegacyFile[]): string =>
  sha256(
    files
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, text }) => `${sha256(text)}  ${name}\n`)
      .join(""),
  );

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The input that imports them, all in one call. */
export function importOf(files: readonly LegacyFile[]) {
  const [first, last] = [files[0]!, files.at(-1)!].map(({ text }) => JSON.parse(text));
  return {
    entries: files.length,
    first_sequence: first.sequence,
    last_sequence: last.sequence,
    head_hash: last.entry_hash,
    merkle_root: last.merkle_root,
    checksum: checksumOf(files),
    files: files.map((file) => ({ ...file })),
  };
}
