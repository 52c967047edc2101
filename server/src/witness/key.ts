import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { readIfThere, syncDirectory, writeWhole } from "#kernel/engine/files.ts";
import { cosigner, isKeyName, type Signer } from "#verifier";
import { badKeyFile, badName, otherName } from "./refusals.ts";

const SEED_BYTES = 32;

/**
 * The key of the witness, and its name with it: file `witness.key` (0600), `NAME SEED` with 32 bytes in base64, made at the
 * first start. A cosignature does not say for which name it was made, so a key keeps its one name for ever.
 */
export async function openKey(dir: string, name: string): Promise<Signer & { vkey: string }> {
  if (!isKeyName(name)) throw badName(name);
  const file = keyFile(dir);
  const kept = await readIfThere(file);
  const seed = kept === undefined ? randomBytes(SEED_BYTES) : readSeed(file, kept, name);
  if (kept === undefined) {
    await writeWhole(file, `${name} ${seed.toString("base64")}\n`, 0o600);
    await syncDirectory(dir);
  }
  const now_s = () => Math.floor(Date.now() / 1_000);
  return cosigner(name, seed, now_s);
}

/** Whether something may have been signed from this folder. */
export const hasKey = async (dir: string): Promise<boolean> =>
  (await readIfThere(keyFile(dir))) !== undefined;

const keyFile = (dir: string): string => join(dir, "witness.key");

function readSeed(file: string, kept: Buffer, name: string): Buffer {
  const [owner = "", base64 = ""] = kept.toString().trim().split(" ");
  const seed = Buffer.from(base64, "base64");
  if (seed.length !== SEED_BYTES) throw badKeyFile(file);
  if (owner !== name) throw otherName(file, owner, name);
  return seed;
}
