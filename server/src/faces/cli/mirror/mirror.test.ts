import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  CompactRange,
  ed25519Signer,
  encodeEntryBundle,
  leafHash,
  nodeHash,
  parseTilePath,
  signCheckpoint,
  TILE_WIDTH,
  type TileFiles,
  utf8,
  verifierOf,
  verifyTiles,
} from "#verifier";
import { MirrorFiles } from "./files.ts";
import { type Mirrored, mirrorLog } from "./mirror.ts";

const LOG = ed25519Signer("log.example/a", new Uint8Array(32).fill(1));
const OTHER = ed25519Signer("log.example/b", new Uint8Array(32).fill(2));

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sealbase-mirror-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A log in memory, its tiles by their definition. `salt` makes another one with the same name. */
async function logOf(size: number, { salt = "", signer = LOG, from = 0 } = {}): Promise<TileFiles> {
  const entry = (i: number) => utf8(`entry ${i}${i < from ? "" : salt}`);
  const leaves = Array.from({ length: size }, (_, i) => leafHash(entry(i)));
  const range = new CompactRange();
  for (const leaf of leaves) range.append(leaf);
  const note = await signCheckpoint({ origin: signer.name, size, root: range.root() }, [signer]);
  const hashesAt = (level: number): Uint8Array[] => {
    if (level === 0) return leaves;
    const below = hashesAt(level - 1);
    return Array.from({ length: Math.floor(below.length / TILE_WIDTH) }, (_, i) => {
      let hashes = below.slice(i * TILE_WIDTH, (i + 1) * TILE_WIDTH);
      while (hashes.length > 1)
        hashes = hashes.flatMap((hash, j) => (j % 2 ? [nodeHash(hashes[j - 1]!, hash)] : []));
      return hashes[0]!;
    });
  };
  return {
    async read(path) {
      if (path === "checkpoint") return Buffer.from(note);
      const { level, index, width } = parseTilePath(path)!;
      const [start, end] = [index * TILE_WIDTH, index * TILE_WIDTH + width];
      if (level === "entries")
        return end > size
          ? undefined
          : encodeEntryBundle(Array.from({ length: width }, (_, i) => entry(start + i)));
      const hashes = hashesAt(level);
      return end > hashes.length ? undefined : Buffer.concat(hashes.slice(start, end));
    },
  };
}

async function mirror(
  source: TileFiles,
  { entries = true, keys = [LOG.vkey], into = dir, breaking = Number.POSITIVE_INFINITY } = {},
): Promise<Mirrored> {
  const files = await MirrorFiles.take(into);
  let steps = 0;
  const fragile = new Proxy(files, {
    get(target, name) {
      const member = target[name as keyof MirrorFiles] as (...given: unknown[]) => unknown;
      return (...given: unknown[]) => {
        const counts = ["stage", "keep", "publish", "remove", "discardStaged"].includes(
          String(name),
        );
        if (counts && ++steps > breaking) throw new Error("the machine stopped");
        return member.apply(target, given);
      };
    },
  });
  try {
    const verifiers = keys.map((key) => verifierOf(key));
    return await mirrorLog({ source, files: fragile, verifiers, entries, progress() {} });
  } finally {
    await files.release();
  }
}

const onDisk = (): TileFiles => ({
  read: (path) => readFile(join(dir, path)).catch(() => undefined),
});
const verified = () => verifyTiles(onDisk(), [LOG.vkey]);

/** Everything in the folder but what is on its way. */
const snapshot = (): string[] =>
  readdirSync(dir, { recursive: true, encoding: "utf8" })
    .filter((file) => !file.startsWith(".mirror") && statSync(join(dir, file)).isFile())
    .map(
      (file) =>
        `${file} ${createHash("sha256")
          .update(readFileSync(join(dir, file)))
          .digest("hex")}`,
    )
    .sort();

describe("a mirror", () => {
  test("has the files of the log, whatever its sizes were on the way", async () => {
    const sizes = fc.array(fc.oneof(fc.nat(800), fc.constantFrom(0, 1, 255, 256, 257, 512)), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(sizes, fc.boolean(), async (given, entries) => {
        rmSync(dir, { recursive: true });
        for (const size of given.toSorted((a, b) => a - b)) {
          const source = await logOf(size);
          const found = await mirror(source, { entries });
          expect(found).toMatchObject({ log: LOG.name, size, resumed: 0 });
          expect(await verified()).toMatchObject({ ok: true, size, entries: entries && size > 0 });
          for (const line of snapshot()) {
            const file = line.split(" ")[0]!;
            const served = (await source.read(file, 1e9))!;
            expect(Buffer.from(served).equals(readFileSync(join(dir, file))), file).toBe(true);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  test("keeps partial tiles of sizes that were signed until the full tile is there", async () => {
    const tiles = () => snapshot().map((line) => line.split(" ")[0]!);
    await mirror(await logOf(3));
    await mirror(await logOf(5));
    expect(tiles()).toEqual([
      "checkpoint",
      "tile/0/000.p/3",
      "tile/0/000.p/5",
      "tile/entries/000.p/3",
      "tile/entries/000.p/5",
    ]);
    await mirror(await logOf(256));
    expect(tiles()).toEqual(["checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000"]);
  });

  test("takes the full tile where the source has dropped the partial one", async () => {
    const [source, longer] = [await logOf(300), await logOf(600)];
    const pruned: TileFiles = {
      read: (path, max) =>
        path === "checkpoint"
          ? source.read(path, max)
          : path.includes(".p/") && !path.startsWith("tile/1")
            ? Promise.resolve(undefined)
            : longer.read(path, max),
    };
    expect(await mirror(pruned)).toMatchObject({ size: 300 });
    expect(await verified()).toMatchObject({ ok: true, size: 300 });
  });

  test("goes on where it was stopped, with what it had", async () => {
    const source = await logOf(2_560);
    let reads = 0;
    const breaking: TileFiles = {
      async read(path, max) {
        if (path.startsWith("tile/entries") && ++reads > 6) throw new Error("no network");
        return source.read(path, max);
      },
    };
    await mirror(await logOf(10));
    const before = snapshot();
    await expect(mirror(breaking)).rejects.toThrow("no network");
    expect(snapshot()).toEqual(before);
    expect(await mirror(source)).toMatchObject({ size: 2_560, downloaded: 4, resumed: 6 });
    expect(await verified()).toMatchObject({ ok: true, size: 2_560 });
  });

  test("does not believe what an earlier run left", async () => {
    const source = await logOf(700);
    const broken: TileFiles = {
      read: (path, max) =>
        path === "tile/entries/002.p/188"
          ? Promise.reject(new Error("no network"))
          : source.read(path, max),
    };
    await expect(mirror(broken)).rejects.toThrow("no network");
    const left = join(dir, ".mirror/files/tile/entries/001");
    const bytes = readFileSync(left);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(left, bytes);
    expect(await mirror(source)).toMatchObject({ downloaded: 3, resumed: 0 });
    expect(await verified()).toMatchObject({ ok: true, size: 700 });
  });

  test("is whole whenever the machine stops, and is finished by the next run", async () => {
    const [shorter, source] = [await logOf(200), await logOf(600)];
    let stops = 0;
    for (let breaking = 0; ; breaking++) {
      rmSync(dir, { recursive: true, force: true });
      await mirror(shorter);
      const done = await mirror(source, { breaking }).then(
        () => true,
        (error: Error) => {
          expect(error.message).toBe("the machine stopped");
          return false;
        },
      );
      expect(await verified(), `stopped after ${breaking}`).toMatchObject({ ok: true });
      expect(await mirror(source)).toMatchObject({ size: 600 });
      expect(await verified()).toMatchObject({ ok: true, size: 600 });
      if (done) break;
      stops++;
    }
    expect(stops).toBeGreaterThan(10);
  });
});

describe("a mirror is left as it was by", () => {
  const flipped = (source: TileFiles, wanted: string, at: number): TileFiles => ({
    async read(path, max) {
      const bytes = await source.read(path, max);
      if (path !== wanted || bytes === undefined) return bytes;
      const copy = Buffer.from(bytes);
      copy[at]! ^= 1;
      return copy;
    },
  });
  const without = (source: TileFiles, wanted: string): TileFiles => ({
    read: (path, max) => (path === wanted ? Promise.resolve(undefined) : source.read(path, max)),
  });

  test.each<[string, () => Promise<TileFiles>, string]>([
    ["a log that was rewritten", () => logOf(600, { salt: "!" }), "verify/log_forked"],
    [
      "one rewritten in its last mirrored entry",
      () => logOf(600, { salt: "!", from: 299 }),
      "verify/log_forked",
    ],
    [
      "one of the same size with another root",
      () => logOf(300, { salt: "!" }),
      "verify/log_forked",
    ],
    ["a log that shrank", () => logOf(299), "verify/log_shrunk"],
    ["an empty log", () => logOf(0), "verify/log_shrunk"],
    ["another log", () => logOf(600, { signer: OTHER }), "cli/mirror_other_log"],
    [
      "a changed entry",
      async () => flipped(await logOf(600), "tile/entries/001", 400),
      "verify/content_wrong",
    ],
    [
      "a changed entry that is mirrored",
      async () => flipped(await logOf(600), "tile/entries/001", 4),
      "verify/content_wrong",
    ],
    [
      "a changed hash in the proof",
      async () => flipped(await logOf(600), "tile/0/002.p/88", 40),
      "verify/log_forked",
    ],
    [
      "a bundle that is cut",
      async () => flipped(await logOf(600), "tile/entries/001", 0),
      "verify/bundle-malformed",
    ],
    ["a changed checkpoint", async () => flipped(await logOf(600), "checkpoint", 15), "verify/"],
    [
      "a file that is not there",
      async () => without(await logOf(600), "tile/entries/001"),
      "verify/source_lacks",
    ],
    ["no checkpoint", async () => without(await logOf(600), "checkpoint"), "verify/source_lacks"],
  ])("%s", async (_, source, code) => {
    await mirror(await logOf(300));
    const before = snapshot();
    const keys = [LOG.vkey, OTHER.vkey];
    const refusal = await mirror(await source(), { keys }).catch((error) => error);
    expect(refusal.code).toContain(code);
    expect(snapshot()).toEqual(before);
    expect(await mirror(await logOf(600))).toMatchObject({ size: 600 });
  });

  test("a fork, of which both signed checkpoints are told", async () => {
    await mirror(await logOf(300));
    const { facts } = await mirror(await logOf(400, { salt: "!" })).catch((error) => error);
    expect(facts.mirrored_checkpoint).toMatch(/^log.example\/a\n300\n/);
    expect(facts.served_checkpoint).toMatch(/^log.example\/a\n400\n/);
  });

  test("a run of the other kind", async () => {
    await mirror(await logOf(3));
    const code = await mirror(await logOf(4), { entries: false }).catch((error) => error.code);
    expect(code).toBe("cli/mirror_other_kind");
  });

  test("another process that mirrors; one that has ended is forgotten", async () => {
    await mkdir(join(dir, ".mirror"), { recursive: true });
    const taken = await Promise.allSettled(Array.from({ length: 8 }, () => MirrorFiles.take(dir)));
    const held = taken.filter((one) => one.status === "fulfilled");
    expect(held).toHaveLength(1);
    expect(await mirror(await logOf(3)).catch((error) => error.code)).toBe("cli/mirror_busy");
    await held[0]!.value.release();
    // Of one that was killed; of one that the power loss emptied.
    for (const left of [JSON.stringify({ pid: 999_999_999, born: "earlier" }), ""]) {
      await writeFile(join(dir, ".mirror/owner.1.lock"), left);
      expect(await mirror(await logOf(3))).toMatchObject({ size: 3 });
    }
  });

  test("a checkpoint that is no text", async () => {
    const source = await logOf(3);
    const garbled: TileFiles = {
      ...source,
      read: async (path, bytesMax) =>
        path === "checkpoint" ? Uint8Array.of(0xff, 0x0a) : source.read(path, bytesMax),
    };
    expect(await mirror(garbled).catch((error) => error.code)).toBe("verify/note-malformed");
  });

  test("its own damage", async () => {
    await mirror(await logOf(300));
    // What lies far back is not read again to go on: that is for who verifies the whole.
    for (const file of ["tile/0/001.p/44", "tile/1/000.p/1", "checkpoint"]) {
      const bytes = readFileSync(join(dir, file));
      const changed = Buffer.from(bytes);
      changed[20]! ^= 1;
      writeFileSync(join(dir, file), changed);
      const code = await mirror(await logOf(600)).catch((error) => error.code);
      expect(code, file).toBe("verify/mirror_damaged");
      expect((await verified()).ok).toBe(false);
      writeFileSync(join(dir, file), bytes);
    }
    expect(await mirror(await logOf(600))).toMatchObject({ size: 600 });
  });

  test("a folder that is a file", async () => {
    writeFileSync(join(dir, "file"), "");
    const code = await mirror(await logOf(1), { into: join(dir, "file") }).catch(
      ({ code }) => code,
    );
    expect(code).toBe("cli/unwritable_folder");
  });
});
