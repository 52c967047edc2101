import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CompactRange,
  consistencyProof,
  EMPTY_ROOT,
  fromHex,
  inclusionProof,
  leafHash,
  nodeHash,
  rootAt,
  sha256,
  toHex,
  utf8,
  verifyConsistency,
  verifyInclusion,
} from "../src/index.ts";
import { sha256 as sha256Browser } from "../src/sha256.browser.ts";
import { logOf } from "./samples.ts";

/** RFC 6962 section 2.1, word for word: slow, and written without a look at the code under test. */
const oracle = {
  root(leaves: Uint8Array[]): Uint8Array {
    if (leaves.length === 0) return sha256(new Uint8Array());
    if (leaves.length === 1) return sha256(Buffer.concat([Buffer.of(0), leaves[0] as Uint8Array]));
    const k = oracle.split(leaves.length);
    const halves = [oracle.root(leaves.slice(0, k)), oracle.root(leaves.slice(k))];
    return sha256(Buffer.concat([Buffer.of(1), ...halves]));
  },
  path(m: number, leaves: Uint8Array[]): Uint8Array[] {
    if (leaves.length === 1) return [];
    const k = oracle.split(leaves.length);
    const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
    return m < k
      ? [...oracle.path(m, left), oracle.root(right)]
      : [...oracle.path(m - k, right), oracle.root(left)];
  },
  subproof(m: number, leaves: Uint8Array[], whole: boolean): Uint8Array[] {
    if (m === leaves.length) return whole ? [] : [oracle.root(leaves)];
    const k = oracle.split(leaves.length);
    const [left, right] = [leaves.slice(0, k), leaves.slice(k)];
    return m <= k
      ? [...oracle.subproof(m, left, whole), oracle.root(right)]
      : [...oracle.subproof(m - k, right, false), oracle.root(left)];
  },
  split: (n: number) => 2 ** Math.ceil(Math.log2(n) - 1),
};

const SIZE_MAX = 130;
const LEAVES = Array.from({ length: SIZE_MAX }, (_, i) => utf8(`leaf ${i}`));
const { hashAt } = logOf(LEAVES);
const ROOTS = Array.from({ length: SIZE_MAX + 1 }, (_, n) => oracle.root(LEAVES.slice(0, n)));
const rootOf = (size: number) => ROOTS[size] as Uint8Array;
const leafOf = (index: number) => leafHash(LEAVES[index] as Uint8Array);
const hexes = (hashes: readonly Uint8Array[]) => hashes.map(toHex);

describe("known vectors of the Certificate Transparency test tree", () => {
  const leaves = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
  ].map((hex) => fromHex(hex) as Uint8Array);
  const roots = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ];

  it("gives the published root at every size", () => {
    const range = new CompactRange();
    const seen = [toHex(range.root())];
    for (const leaf of leaves) {
      range.append(leafHash(leaf));
      seen.push(toHex(range.root()));
    }
    expect(seen).toEqual(roots);
  });

  it("gives the published inclusion path of leaf 0 in 8", async () => {
    expect(hexes(await inclusionProof(0, 8, logOf(leaves).hashAt))).toEqual([
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]);
  });
});

describe("hashes", () => {
  it("separates leaves from nodes", () => {
    const [left, right] = [leafOf(0), leafOf(1)];
    expect(toHex(leafHash(Buffer.concat([left, right])))).not.toBe(toHex(nodeHash(left, right)));
  });

  it("does not carry bytes of one leaf into the next", () => {
    leafHash(new Uint8Array(65_535).fill(255));
    expect(toHex(leafHash(Uint8Array.of(1)))).toBe(toHex(sha256(Uint8Array.of(0, 1))));
    const large = new Uint8Array(70_000).fill(7);
    expect(toHex(leafHash(large))).toBe(toHex(sha256(Buffer.concat([Buffer.of(0), large]))));
  });

  it("is the same in a browser", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        expect(toHex(sha256Browser(data))).toBe(toHex(sha256(data)));
      }),
    );
  });

  it("refuses hashes of another length", () => {
    expect(() => nodeHash(new Uint8Array(31), leafOf(0))).toThrow(RangeError);
    expect(() => new CompactRange().append(new Uint8Array(33))).toThrow(RangeError);
  });

  it("has its own copy of the empty root", () => {
    expect(toHex(EMPTY_ROOT)).toBe(toHex(oracle.root([])));
  });
});

describe("against the definition in RFC 6962", () => {
  it("agrees on every root, appended, restored and from nodes", async () => {
    const range = new CompactRange();
    for (let size = 0; size <= SIZE_MAX; size++) {
      const restored = CompactRange.restore(range.size, range.hashes);
      expect(hexes([range.root(), restored.root(), await rootAt(size, hashAt)])).toEqual(
        Array(3).fill(toHex(rootOf(size))),
      );
      if (size < SIZE_MAX) range.append(leafOf(size));
    }
  });

  it("agrees on every inclusion proof, and verifies it", async () => {
    for (let size = 1; size <= SIZE_MAX; size++) {
      for (let index = 0; index < size; index++) {
        const proof = await inclusionProof(index, size, hashAt);
        const claim = { leaf: leafOf(index), index, size, proof, root: rootOf(size) };
        if (!verifyInclusion(claim)) expect.fail(`entry ${index} of ${size} does not verify`);
        if (size % 13 > 1) continue; // the oracle takes its time
        expect(hexes(proof)).toEqual(hexes(oracle.path(index, LEAVES.slice(0, size))));
      }
    }
  });

  it("agrees on every consistency proof, and verifies it", async () => {
    for (let newer = 1; newer <= SIZE_MAX; newer++) {
      for (let older = 0; older <= newer; older++) {
        const proof = await consistencyProof(older, newer, hashAt);
        const claim = { older: head(older), newer: head(newer), proof };
        if (!verifyConsistency(claim)) expect.fail(`${older} to ${newer} does not verify`);
        if (newer % 13 > 1 || older === 0) continue;
        expect(hexes(proof)).toEqual(hexes(oracle.subproof(older, LEAVES.slice(0, newer), true)));
      }
    }
  });
});

const head = (size: number) => ({ size, root: rootOf(size) });

describe("false claims", () => {
  const spot = fc
    .integer({ min: 1, max: SIZE_MAX })
    .chain((size) => fc.record({ size: fc.constant(size), index: fc.nat(size - 1) }));

  it("refuses an entry at any other index or size", async () => {
    for (let size = 1; size <= 20; size++) {
      for (let index = 0; index < size; index++) {
        const proof = await inclusionProof(index, size, hashAt);
        const claim = { leaf: leafOf(index), index, size, proof, root: rootOf(size) };
        for (let other = 0; other <= 20; other++) {
          if (other !== index) expect(verifyInclusion({ ...claim, index: other })).toBe(false);
          // Another size may have the same path; its root is what differs, and a checkpoint binds both.
          if (other !== size) {
            expect(verifyInclusion({ ...claim, size: other, root: rootOf(other) })).toBe(false);
          }
        }
      }
    }
  });

  it("refuses changed, missing, added and swapped proof hashes", async () => {
    await fc.assert(
      fc.asyncProperty(spot, fc.nat(), fc.nat(255), async ({ size, index }, pick, flip) => {
        const proof = await inclusionProof(index, size, hashAt);
        const claim = { leaf: leafOf(index), index, size, root: rootOf(size) };
        const wrong = [
          [...proof, leafOf(0)],
          [leafOf(0), ...proof],
        ];
        if (proof.length > 0) {
          const at = pick % proof.length;
          const changed = (proof[at] as Uint8Array).map((b, i) =>
            i === pick % 32 ? b ^ (flip || 1) : b,
          );
          wrong.push(proof.slice(1), proof.slice(0, -1), proof.with(at, changed));
          wrong.push(proof.with(at, (proof[at] as Uint8Array).slice(1)));
        }
        if (proof.length > 1) wrong.push(proof.toReversed());
        for (const proof of wrong) expect(verifyInclusion({ ...claim, proof })).toBe(false);
      }),
    );
  });

  it("refuses a proof longer than the tree is high, though it leads to the root", () => {
    const [leaf, extra] = [leafOf(0), leafOf(1)];
    const root = nodeHash(extra, leaf);
    expect(verifyInclusion({ leaf, index: 0, size: 1, proof: [extra], root })).toBe(false);
    const grown = nodeHash(extra, nodeHash(leaf, extra));
    const claim = {
      older: { size: 1, root: nodeHash(extra, leaf) },
      newer: { size: 2, root: grown },
    };
    expect(verifyConsistency({ ...claim, proof: [extra, extra] })).toBe(false);
    const older = { size: 3, root: nodeHash(extra, nodeHash(extra, leaf)) };
    const newer = { size: 4, root: nodeHash(extra, nodeHash(extra, nodeHash(leaf, extra))) };
    expect(verifyConsistency({ older, newer, proof: [leaf, extra, extra, extra] })).toBe(false);
  });

  it("refuses a rewritten history", async () => {
    await fc.assert(
      fc.asyncProperty(spot, fc.nat(SIZE_MAX), async ({ size, index }, more) => {
        const newer = Math.min(SIZE_MAX, size + more);
        const rewritten = LEAVES.slice(0, newer).with(index, utf8("other"));
        const forged = logOf(rewritten);
        const proof = await consistencyProof(size, newer, forged.hashAt);
        const claim = {
          older: head(size),
          newer: { size: newer, root: forged.range.root() },
          proof,
        };
        expect(verifyConsistency(claim)).toBe(false);
      }),
    );
  });

  it("refuses a truncated log and a proof of another growth", async () => {
    for (let older = 1; older < 20; older++) {
      for (let newer = older + 1; newer <= 20; newer++) {
        const proof = await consistencyProof(older, newer, hashAt);
        const claim = { older: head(older), newer: head(newer), proof };
        expect(verifyConsistency({ ...claim, older: head(newer), newer: head(older) })).toBe(false);
        expect(verifyConsistency({ ...claim, older: head(older - 1) })).toBe(false);
        expect(verifyConsistency({ ...claim, newer: head(newer + 1) })).toBe(false);
        expect(verifyConsistency({ ...claim, proof: proof.slice(1) })).toBe(false);
        expect(verifyConsistency({ ...claim, proof: [...proof, leafOf(0)] })).toBe(false);
      }
    }
  });

  it("does not take a root for the empty log's", () => {
    const claim = { newer: head(5), proof: [] };
    expect(verifyConsistency({ ...claim, older: head(0) })).toBe(true);
    expect(verifyConsistency({ ...claim, older: { size: 0, root: rootOf(1) } })).toBe(false);
  });

  it.each([Number.NaN, -1, 0.5, 2 ** 53, Infinity])("refuses %s as a size or index", (count) => {
    const claim = { leaf: leafOf(0), index: 0, size: 1, proof: [], root: rootOf(1) };
    expect(verifyInclusion(claim)).toBe(true);
    expect(verifyInclusion({ ...claim, size: count })).toBe(false);
    expect(verifyInclusion({ ...claim, index: count })).toBe(false);
    expect(
      verifyConsistency({ older: head(0), newer: { ...head(1), size: count }, proof: [] }),
    ).toBe(false);
    expect(
      verifyConsistency({ older: { ...head(0), size: count }, newer: head(1), proof: [] }),
    ).toBe(false);
    expect(() => CompactRange.restore(count, [])).toThrow(RangeError);
  });
});

describe("large logs", () => {
  it("proves beyond 32 bits", async () => {
    // The hashes of its complete subtrees are invented; only those near the end must fit together.
    const invented = (level: number, index: number) => sha256(utf8(`${level}/${index}`));
    const size = 2 ** 40 + 3;
    const index = 2 ** 40 + 1;
    const proof = await inclusionProof(index, size, invented);
    const root = await rootAt(size, (level, i) =>
      level === 1 ? nodeHash(invented(0, 2 * i), invented(0, 2 * i + 1)) : invented(level, i),
    );
    expect(verifyInclusion({ leaf: invented(0, index), index, size, proof, root })).toBe(true);
    expect(
      verifyInclusion({ leaf: invented(0, index), index: index - 2 ** 40, size, proof, root }),
    ).toBe(false);
  });

  it("restores only what belongs together", () => {
    const hash = leafOf(0);
    expect(CompactRange.restore(2 ** 52 + 1, [hash, hash]).size).toBe(2 ** 52 + 1);
    expect(() => CompactRange.restore(3, [hash])).toThrow(/3 entries has 2 subtree hashes/);
    expect(() => CompactRange.restore(1, [new Uint8Array(31)])).toThrow(RangeError);
  });

  it("copies: a batch tried on a clone leaves the range as it was", () => {
    const range = new CompactRange();
    for (let i = 0; i < 5; i++) range.append(leafOf(i));
    const clone = range.clone();
    clone.append(leafOf(5));
    expect([range.size, toHex(range.root())]).toEqual([5, toHex(rootOf(5))]);
    expect([clone.size, toHex(clone.root())]).toEqual([6, toHex(rootOf(6))]);
  });
});
