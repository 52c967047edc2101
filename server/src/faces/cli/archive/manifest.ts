import { createHash } from "node:crypto";
import { z } from "zod";
import { canonicalJson, parseJson, TILE_WIDTH, type Tile, tilePath } from "#verifier";
import { changed } from "./refusals.ts";

export const MANIFEST_FORMAT = "sealbase-archive@v1";

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const hash = z.base64().length(44);
const whole = z.int().min(0).multipleOf(TILE_WIDTH);

const manifest = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  log: z.string().min(1),
  /** The entries from `first` up to `past`, `past` excluded. */
  first: whole,
  past: whole,
  /** Of the log at the size `past`. */
  root: hash,
  /** The log at the size `first`: roots of its perfect subtrees, largest first. */
  left: z.array(hash),
  /** A signed head of the log, and the proof (RFC 9162) that it grew from the size `past` to it. */
  checkpoint: z.string(),
  consistency: z.array(hash),
  files: z.array(z.strictObject({ path: z.string(), bytes: z.int().min(1), sha256: hex })),
});

/** What an archive holds and what proves it. Its own SHA-256 is sealed in the log. */
export type Manifest = z.output<typeof manifest>;

/** One object a range: what an object store would list. */
export const manifestPath = ({ first, past }: Pick<Manifest, "first" | "past">): string =>
  `archive/${String(first).padStart(15, "0")}-${String(past).padStart(15, "0")}.json`;

export const encodeManifest = (of: Manifest): Buffer => Buffer.from(`${canonicalJson(of)}\n`);

export function decodeManifest(path: string, bytes: Uint8Array): Manifest {
  try {
    const read = manifest.parse(parseJson(Buffer.from(bytes).toString()));
    if (Buffer.from(bytes).equals(encodeManifest(read)) && read.past > read.first) return read;
  } catch {
    // Whatever is wrong with it: it is not what was written.
  }
  throw changed(path, "it is no manifest");
}

export const sha256 = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex");

/** The three files of a bundle: entries and hashes where c2sp.org/tlog-tiles has them, and salted payloads beside. */
export function bundlePaths(index: number): { entries: string; hashes: string; payloads: string } {
  const of = (level: Tile["level"]) => tilePath({ level, index, width: TILE_WIDTH });
  const entries = of("entries");
  return {
    entries,
    hashes: of(0),
    payloads: `${entries.replace(/^tile\/entries\//, "payload/")}.ndjson.gz`,
  };
}

/** Bundles of a range. */
export const bundlesOf = ({ first, past }: Pick<Manifest, "first" | "past">): number[] =>
  Array.from({ length: (past - first) / TILE_WIDTH }, (_, i) => first / TILE_WIDTH + i);
