import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  concatBytes,
  decodeEntryBundle,
  encodeEntryBundle,
  type HashAt,
  inclusionProof,
  nodeFromTile,
  parseTilePath,
  tileOfNode,
  tilePath,
  tileWidth,
  toHex,
  utf8,
} from "../src/index.ts";
import { logOf } from "./samples.ts";

describe("tile paths", () => {
  it.each([
    [{ level: 0, index: 0, width: 256 }, "tile/0/000"],
    [{ level: 0, index: 1_234_067, width: 256 }, "tile/0/x001/x234/067"],
    [{ level: 2, index: 1000, width: 17 }, "tile/2/x001/000.p/17"],
    [{ level: 63, index: 999, width: 255 }, "tile/63/999.p/255"],
    [{ level: "entries" as const, index: 5, width: 1 }, "tile/entries/005.p/1"],
  ])("%j is %s", (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  it.each([
    "tile/00/000",
    "tile/64/000",
    "tile/0/0",
    "tile/0/0000",
    "tile/0/001/000",
    "tile/0/x000/000",
    "tile/0/x001/x000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000.p/999",
    "tile/0/000/",
    "/tile/0/000",
    "tile/0/000\n",
    "tile/0/x999/x999/x999/x999/x999/999",
    "tile/data/000",
  ])("refuses %j", (path) => expect(parseTilePath(path)).toBeUndefined());

  it("has the tiles that the standard names for 70,000 entries", () => {
    expect([0, 272, 273, 274].map((n) => tileWidth(0, n, 70_000))).toEqual([256, 256, 112, 0]);
    expect([tileWidth(1, 0, 70_000), tileWidth(1, 1, 70_000)]).toEqual([256, 17]);
    expect([tileWidth(2, 0, 70_000), tileWidth(1, 0, 256)]).toEqual([1, 1]);
    expect(tileWidth("entries", 273, 70_000)).toBe(112);
  });
});

describe("proofs from tiles alone", () => {
  const size = 1030;
  const { hashAt } = logOf(Array.from({ length: size }, (_, i) => utf8(`leaf ${i}`)));

  /** What a reader of the published files has. */
  const fromTiles: HashAt = async (level, index) => {
    const tile = tileOfNode({ level, index }, size);
    const tileLevel = tile.level as number;
    const hashes = Array.from({ length: tile.width }, async (_, i) =>
      hashAt(8 * tileLevel, tile.index * 256 + i),
    );
    return nodeFromTile({ level, index }, concatBytes(...(await Promise.all(hashes))));
  };

  it("are those from the nodes", async () => {
    for (const index of [0, 1, 255, 256, 511, 777, 1023, 1024, 1029]) {
      const expected = await inclusionProof(index, size, hashAt);
      expect((await inclusionProof(index, size, fromTiles)).map(toHex)).toEqual(
        expected.map(toHex),
      );
    }
  });

  it("refuses a tile that is too narrow or cut", () => {
    expect(() => nodeFromTile({ level: 1, index: 1 }, new Uint8Array(3 * 32))).toThrow(RangeError);
    expect(() => nodeFromTile({ level: 0, index: 0 }, new Uint8Array(33))).toThrow(RangeError);
  });
});

describe("entry bundles", () => {
  it("give back their entries", () => {
    const entries = fc.array(fc.uint8Array({ maxLength: 400 }), { minLength: 1, maxLength: 256 });
    fc.assert(
      fc.property(entries, (entries) => {
        expect(decodeEntryBundle(encodeEntryBundle(entries)).map(toHex)).toEqual(
          entries.map(toHex),
        );
      }),
    );
  });

  it("prefix each entry with its big-endian length", () => {
    expect(toHex(encodeEntryBundle([Uint8Array.of(7), new Uint8Array(258)])).slice(0, 10)).toBe(
      "0001070102",
    );
  });

  it("hold 65,535 bytes an entry, 256 entries, and not one more", () => {
    const largest = new Uint8Array(65_535).fill(9);
    expect(decodeEntryBundle(encodeEntryBundle([largest]))[0]).toEqual(largest);
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow(RangeError);
    expect(() => encodeEntryBundle(Array(257).fill(largest))).toThrow(RangeError);
    expect(() => encodeEntryBundle([])).toThrow(RangeError);
    expect(() => decodeEntryBundle(new Uint8Array(2 * 257))).toThrow(/257 entries/);
  });

  it("are refused when they end inside an entry", () => {
    const bundle = encodeEntryBundle([utf8("one"), utf8("two")]);
    for (const length of [0, 1, 2, 4, 6, 9]) {
      expect(() => decodeEntryBundle(bundle.slice(0, length))).toThrow(/no entry bundle/);
    }
    expect(decodeEntryBundle(bundle.slice(0, 5))).toHaveLength(1);
  });
});
