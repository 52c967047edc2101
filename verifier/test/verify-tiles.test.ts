import { describe, expect, it } from "vitest";
import { signCheckpoint, type TileFiles, utf8, verifyTiles } from "../src/index.ts";
import { mlDsaSigner } from "../src/ml-dsa.ts";
import { LOG, logFiles, OTHER_LOG, WITNESS } from "./samples.ts";

const filesOf = (files: ReadonlyMap<string, Uint8Array>): TileFiles => ({
  read: async (path) => files.get(path),
});
const check = (files: ReadonlyMap<string, Uint8Array>, keys = [LOG.vkey]) =>
  verifyTiles(filesOf(files), keys);
const codeOf = async (files: ReadonlyMap<string, Uint8Array>) => {
  const answer = await check(files);
  return answer.ok ? "ok" : answer.code;
};

describe("the files of a whole log", () => {
  it.each([0, 1, 2, 255, 256, 257, 512, 700])("verify at %i entries", async (size) => {
    const files = await logFiles(size);
    const seen: number[] = [];
    const answer = await verifyTiles(filesOf(files), [LOG.vkey], {
      progress: (leaves) => seen.push(leaves),
    });
    const tiles = [...files.keys()].filter((path) => /^tile\/\d/.test(path)).length;
    expect(answer).toMatchObject({ ok: true, origin: LOG.name, size, entries: size > 0, tiles });
    expect(seen.at(-1) ?? 0).toBe(size);
  });

  it("verify without entries, and say so", async () => {
    const files = await logFiles(300);
    for (const path of files.keys()) if (path.startsWith("tile/entries")) files.delete(path);
    expect(await check(files)).toMatchObject({ ok: true, entries: false });
  });

  it("verify from the full tile where a partial one was dropped", async () => {
    const [files, longer] = [await logFiles(300), await logFiles(512)];
    for (const path of ["tile/0/001", "tile/entries/001"]) {
      files.delete(`${path}.p/44`);
      files.set(path, longer.get(path)!);
    }
    expect(await check(files)).toMatchObject({ ok: true, size: 300 });
  });

  it("never verify with one byte changed, whichever", async () => {
    const files = await logFiles(260);
    for (const [path, bytes] of files) {
      // Every byte of what is short, every 61st of what is long.
      for (let at = 0; at < bytes.length; at += bytes.length > 4_000 ? 61 : 1) {
        const changed = bytes.slice();
        changed[at]! ^= 1 << (at % 8);
        const answer = await check(new Map(files).set(path, changed));
        expect(answer.ok, `${path} at ${at}`).toBe(false);
        if (!answer.ok) expect(answer.code, `${path} at ${at}`).not.toBe("verify/unexpected");
      }
    }
  });

  it("never verify cut, lengthened, emptied, swapped or missing", async () => {
    const files = await logFiles(260);
    for (const [path, bytes] of files) {
      const others = [
        bytes.subarray(0, 0),
        bytes.subarray(1),
        bytes.subarray(0, -1),
        bytes.subarray(0, -32),
        Buffer.concat([bytes, bytes]),
        Buffer.concat([bytes, Buffer.of(0)]),
      ];
      for (const other of others) {
        const code = await codeOf(new Map(files).set(path, other));
        expect(code).toMatch(/^verify\/(?!unexpected)/);
      }
      const without = new Map(files);
      without.delete(path);
      // Without its first bundle it is a mirror of hashes.
      const missing = path === "tile/entries/000" ? "ok" : "verify/file-missing";
      expect(await codeOf(without), path).toBe(missing);
    }
    const swapped = new Map(files).set("tile/0/000", files.get("tile/0/001.p/4")!);
    expect(await codeOf(swapped)).toBe("verify/tile-malformed");
  });

  it("are refused for keys, origins and sizes that are not theirs", async () => {
    const files = await logFiles(5);
    const answer = async (keys: string[]) => (await check(files, keys)) as { code: string };
    expect((await answer([])).code).toBe("verify/key-missing");
    expect((await answer([OTHER_LOG.vkey])).code).toBe("verify/signature-missing");
    expect((await answer([WITNESS.vkey])).code).toBe("verify/signature-missing");
    const head = { origin: OTHER_LOG.name, size: 5, root: new Uint8Array(32) };
    const foreign = new Map(files).set("checkpoint", utf8(await signCheckpoint(head, [LOG])));
    expect(await codeOf(foreign)).toBe("verify/origin-unsigned");
    for (const size of [4, 6, Number.MAX_SAFE_INTEGER]) {
      const note = await signCheckpoint({ ...head, origin: LOG.name, size }, [LOG]);
      expect(await codeOf(new Map(files).set("checkpoint", utf8(note)))).toMatch(
        /^verify\/(file-missing|root-wrong)$/,
      );
    }
    const wrongRoot = utf8(await signCheckpoint({ ...head, origin: LOG.name }, [LOG]));
    expect(await codeOf(new Map(files).set("checkpoint", wrongRoot))).toBe("verify/root-wrong");
    const text = new TextDecoder().decode(files.get("checkpoint"));
    for (const wrong of [
      text.replace("\n5\n", "\n9007199254740993\n"),
      text.replace("\n5\n", "\n5\t\n"),
    ])
      expect(await codeOf(new Map(files).set("checkpoint", utf8(wrong)))).toMatch(/^verify\//);
  });

  it("are read a bundle at a time", async () => {
    const files = await logFiles(900, [LOG, mlDsaSigner(LOG.name, new Uint8Array(32).fill(9))]);
    let [held, most] = [0, 0];
    const counting: TileFiles = {
      async read(path) {
        const bytes = files.get(path);
        if (path.startsWith("tile/entries")) most = Math.max(most, ++held);
        if (path.startsWith("tile/0")) held = 0;
        return bytes;
      },
    };
    expect(await verifyTiles(counting, [LOG.vkey])).toMatchObject({ ok: true, size: 900 });
    expect(most).toBeLessThanOrEqual(2);
  });
});
