import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  PYTHON_DEPTH_MAX,
  pythonFloat,
  pythonJson,
  readV1File,
  sha256,
  toHex,
  utf8,
  V1_EMPTY_HEAD,
  V1_EMPTY_ROOT,
  V1_GENESIS,
  V1Chain,
  type V1Fields,
  V1Prover,
  V1Range,
  VerifyError,
  v1Hash,
  v1Root,
  v1Text,
  v1Timestamp,
  verifyV1Proof,
} from "../src/index.ts";

/** Made by Python with the script beside it. */
const VECTORS = JSON.parse(readFileSync(join(import.meta.dirname, "v1-vectors.json"), "utf8")) as {
  canonical: [string, string][];
  floats: [string, string][];
  roots: string[];
};

const FIRST: V1Fields = {
  authority: "system",
  prev_hash: V1_GENESIS,
  seal_data: '{"target":"seal","test":true}',
  seal_id: "00000000-0000-4000-8000-000000000001",
  session_id: "s1",
  timestamp: "2026-02-02T00:00:00+00:00",
  verdict: "SEAL",
};
const FIRST_HASH = "ad0a7a6597823e58384a04ac44248a18e3b84cc11068bc820e377e7f566c5006";
const SECOND: V1Fields = {
  ...FIRST,
  prev_hash: FIRST_HASH,
  seal_data: '{"target":"seal","x":1.0,"é":"ü"}',
  seal_id: "00000000-0000-4000-8000-000000000002",
  timestamp: "2026-02-02T00:00:01.500000+00:00",
  verdict: "VOID",
};
const SECOND_HASH = "baa7fd96906c2ffd9fab8510b8490e048ff2a8170bfe9bcbe9aff9e4c7f18e2b";

describe("an entry of format v1", () => {
  it("has the hashes of the earlier ledger", () => {
    expect(v1Hash(v1Text(FIRST))).toBe(FIRST_HASH);
    expect(v1Text(SECOND)).toContain('"seal_data":{"target":"seal","x":1.0,"\\u00e9":"\\u00fc"}');
    expect(v1Hash(v1Text(SECOND))).toBe(SECOND_HASH);
    expect(v1Root([FIRST_HASH, SECOND_HASH])).toBe(
      "94a840742857fabb07f5f27de9e5009181f2155aeb87c575c9fe2c478b1d3d39",
    );
  });

  it("changes its hash with every field", () => {
    const changed = Object.keys(FIRST).map((name) =>
      v1Hash(v1Text({ ...FIRST, [name]: name === "seal_data" ? "{}" : "other" })),
    );
    expect(new Set([FIRST_HASH, ...changed]).size).toBe(8);
  });

  it.each([
    [Date.UTC(2026, 1, 2), "2026-02-02T00:00:00+00:00"],
    [Date.UTC(2026, 1, 2, 0, 0, 1, 500), "2026-02-02T00:00:01.500000+00:00"],
    [Date.UTC(2026, 11, 31, 23, 59, 59, 7), "2026-12-31T23:59:59.007000+00:00"],
  ])("writes the moment %s as isoformat() does", (time_ms, text) =>
    expect(v1Timestamp(time_ms)).toBe(text),
  );
});

describe("JSON as Python writes it", () => {
  it("is what Python wrote, for every vector", () => {
    expect(VECTORS.canonical.length).toBeGreaterThan(300);
    for (const [text, canonical] of VECTORS.canonical)
      expect([text, pythonJson(text)]).toEqual([text, canonical]);
  });

  it("sorts by code points behind a common beginning, too", () => {
    // sorted(["p\U0001f600", "p\uffff", "p\U0001f601", "p", "p\U0001f600a"]) in Python
    const keys = ["p", "p\uffff", "p😀", "p😀a", "p😁"];
    const text = JSON.stringify(Object.fromEntries(keys.toReversed().map((key) => [key, 1])));
    expect(Object.keys(JSON.parse(pythonJson(text)))).toEqual(keys);
  });

  it("has Python's floats", () => {
    expect(VECTORS.floats.length).toBeGreaterThan(350);
    for (const [bits, text] of VECTORS.floats)
      expect([bits, pythonFloat(Buffer.from(bits, "hex").readDoubleBE())]).toEqual([bits, text]);
  });

  it("means the same, and a second pass changes nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const text = pythonJson(JSON.stringify(value));
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(pythonJson(text)).toBe(text);
        expect(text).toMatch(/^[ -~]*$/);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["no JSON", "{'a':1}", SyntaxError],
    ["a number that Python alone takes", "NaN", SyntaxError],
    ["what no double holds", "1e400", RangeError],
    ["an integer that Python does not read", "1".repeat(4_301), RangeError],
    ["what is nested too deeply", "[".repeat(600) + "]".repeat(600), RangeError],
    ["what would exhaust a stack", "[".repeat(1e6) + "]".repeat(1e6), RangeError],
  ])("refuses %s", (_, text, error) => expect(() => pythonJson(text)).toThrow(error));

  it("goes down to the greatest depth", () => {
    const text = "[".repeat(PYTHON_DEPTH_MAX) + "]".repeat(PYTHON_DEPTH_MAX);
    expect(pythonJson(text)).toBe(text);
  });

  it("takes a string of a million characters", () => {
    const text = JSON.stringify('\\"é'.repeat(350_000));
    expect(JSON.parse(pythonJson(text))).toBe(JSON.parse(text));
  });
});

const hash = (text: string) => toHex(sha256(utf8(text)));
const leaves = (count: number) => Array.from({ length: count }, (_, i) => hash(String(i)));

/** Level by level, as the earlier ledger did it at each append. */
function naive(hashes: readonly string[]): { root: string; proof: (index: number) => string[] } {
  let level = [...hashes];
  const levels: string[][] = [];
  while (level.length > 1) {
    if (level.length % 2 === 1) level.push(level.at(-1)!);
    levels.push(level);
    level = level.flatMap((left, i) => (i % 2 === 0 ? [hash(left + level[i + 1]!)] : []));
  }
  return {
    root: level[0] ?? hash("EMPTY_LEDGER"),
    proof: (index) => levels.map((nodes, depth) => nodes[(index >> depth) ^ 1]!),
  };
}

describe("a file of the earlier ledger", () => {
  const { seal_data, ...texts } = SECOND;
  const FILE = { sequence: 2, entry_hash: SECOND_HASH, merkle_root: SECOND_HASH, ...texts };
  const textOf = (change: object = {}, data = seal_data) =>
    `${JSON.stringify({ ...FILE, ...change }).slice(0, -1)}, "seal_data": ${data} }`;

  it("is read without loss", () => {
    const read = readV1File(textOf({ created_at: "2026-02-02 00:00:02" }));
    expect(read).toMatchObject({ sequence: 2, computedHash: SECOND_HASH, entry_hash: SECOND_HASH });
    expect(read.fields).toMatchObject(texts);
    expect(readV1File(textOf({}, '{"target":"seal","x":1,"é":"ü"}')).computedHash).not.toBe(
      SECOND_HASH,
    );
  });

  it.each<[string, string, RegExp]>([
    ["no JSON", "{", /JSON/],
    ["no object", "[]", /not a JSON object/],
    ["a missing field", textOf({ session_id: undefined }), /it has no session_id/],
    ["a field that is not known", textOf({ more: 1 }), /not known: more/],
    ["a sequence of 0", textOf({ sequence: 0 }), /sequence/],
    ["a sequence that is a float", textOf().replace('"sequence":2', '"sequence":2.0'), /sequence/],
    ["a sequence that is a text", textOf({ sequence: "2" }), /sequence/],
    ["a hash that is none", textOf({ prev_hash: "0" }), /prev_hash is not 64/],
    [
      "a hash in capitals",
      textOf({ entry_hash: SECOND_HASH.toUpperCase() }),
      /entry_hash is not 64/,
    ],
    [
      "an id in capitals",
      textOf({ seal_id: "A".repeat(8) + "-0000-4000-8000-000000000002" }),
      /seal_id/,
    ],
    ["a time with Z", textOf({ timestamp: "2026-02-02T00:00:00Z" }), /timestamp/],
    [
      "a time that Python writes otherwise",
      textOf({ timestamp: "2026-02-02T00:00:00.000000+00:00" }),
      /timestamp/,
    ],
    ["a day that is not", textOf({ timestamp: "2026-02-30T00:00:00+00:00" }), /timestamp/],
    ["a year that is not", textOf({ timestamp: "0000-01-01T00:00:00+00:00" }), /timestamp/],
    ["another verdict", textOf({ verdict: "MAYBE" }), /verdict is not SEAL/],
    ["an authority that is no text", textOf({ authority: null }), /authority/],
    ["a session with NUL", textOf({ session_id: "\0" }), /session_id/],
    ["half of a surrogate pair", textOf({ session_id: "\ud800" }), /session_id/],
    ["data that is no object", textOf({}, "[]"), /seal_data/],
    ["a number that is none", textOf({}, '{"x":1e999}'), /no JSON number/],
  ])("is refused when it has %s", (_, text, why) => {
    expect(() => readV1File(text)).toThrow(why);
    expect(() => readV1File(text)).toThrow(VerifyError);
  });
});

describe("the Merkle tree of format v1", () => {
  it("has the roots that Python computed, for 0 to 70 entries", () => {
    expect(V1_EMPTY_ROOT).toMatch(/^13c5f300.*cb4e$/);
    expect(VECTORS.roots.map((_, count) => v1Root(leaves(count)))).toEqual(VECTORS.roots);
  });

  it("grows by one entry to the root of the naive way, from any stored state", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 600 }),
        fc.integer({ min: 0, max: 40 }),
        (size, more) => {
          const all = leaves(size + more);
          const first = new V1Range();
          for (const leaf of all.slice(0, size)) first.append(leaf);
          const range = new V1Range(first.size, first.hashes);
          for (const leaf of all.slice(size)) range.append(leaf);
          expect(range.root()).toBe(naive(all).root);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("does not tell [a, b, c] from [a, b, c, c]: a property of v1", () => {
    const [a, b, c] = leaves(3) as [string, string, string];
    expect(v1Root([a, b, c])).toBe(v1Root([a, b, c, c]));
    expect(v1Root([a, b, c])).not.toBe(v1Root([a, b, c, b]));
  });

  it("refuses a state that cannot be", () => {
    expect(() => new V1Range(3, [hash("a")])).toThrow(RangeError);
    expect(() => new V1Range(-1)).toThrow(RangeError);
  });

  it("proves each entry of each size, as the naive way does", () => {
    for (let size = 1; size <= 40; size++) {
      const all = leaves(size);
      const { root, proof } = naive(all);
      for (const [index, leaf] of all.entries()) {
        const prover = new V1Prover(index);
        for (const each of all) prover.append(each);
        const proven = prover.proof()!;
        expect(proven).toMatchObject({ root, leaf_index: index });
        expect(proven.proof.map((step) => step.hash)).toEqual(proof(index));
        expect(verifyV1Proof(leaf, proven)).toBe(true);
        expect(verifyV1Proof(hash("other"), proven)).toBe(false);
        if (size > 1) expect(verifyV1Proof(leaf, { ...proven, leaf_index: index ^ 1 })).toBe(false);
      }
    }
  });

  it("has no proof of what is not there, and takes none that was changed", () => {
    const proofOf = (index: number) => {
      const prover = new V1Prover(index);
      for (const leaf of leaves(5)) prover.append(leaf);
      return prover.proof();
    };
    expect([proofOf(5), proofOf(-1), proofOf(0.5)]).toEqual([undefined, undefined, undefined]);
    const proven = proofOf(2)!;
    const leaf = leaves(5)[2]!;
    const steps = proven.proof;
    const wrong = [
      { ...proven, root: hash("other") },
      { ...proven, proof: steps.slice(1) },
      { ...proven, proof: [...steps, steps[0]!] },
      { ...proven, proof: steps.map((step) => ({ ...step, position: "left" as const })) },
      { ...proven, proof: steps.map((step) => ({ ...step, hash: step.hash.toUpperCase() })) },
      { ...proven, leaf_index: 10 },
    ];
    expect(wrong.map((proof) => verifyV1Proof(leaf, proof))).toEqual(wrong.map(() => false));
  });
});

describe("a chain of format v1", () => {
  const links = (count: number) => {
    let prev_hash = V1_GENESIS;
    const range = new V1Range();
    return Array.from({ length: count }, (_, i) => {
      const entry_hash = v1Hash(v1Text({ ...FIRST, prev_hash, session_id: `s${i}` }));
      range.append(entry_hash);
      // Numbers may have gaps.
      const link = { sequence: 2 * i + 1, computedHash: entry_hash, entry_hash, prev_hash };
      prev_hash = entry_hash;
      return { ...link, merkle_root: range.root() };
    });
  };

  it("holds, when it is empty, too", () => {
    expect(new V1Chain().finish(V1_EMPTY_HEAD)).toEqual({
      valid: true,
      merkle_root: V1_EMPTY_ROOT,
      entries: 0,
      checked_count: 0,
    });
    const all = links(7);
    const chain = new V1Chain();
    expect(all.map((link) => chain.add(link))).toEqual(all.map(() => undefined));
    expect(chain.finish(all[6]!)).toMatchObject({ valid: true, entries: 7, checked_count: 7 });
  });

  it("goes on where a check ended", () => {
    const all = links(5);
    const first = new V1Chain();
    for (const link of all.slice(0, 3)) first.add(link);
    const rest = new V1Chain(first.head, new V1Range(3, first.range.hashes));
    for (const link of all.slice(3)) expect(rest.add(link)).toBeUndefined();
    expect(rest.finish(all[4]!)).toMatchObject({ valid: true, entries: 5, checked_count: 2 });
  });

  it("says what is wrong first: the hash, then what is before it, then the root", () => {
    const [first, second] = links(2) as [ReturnType<typeof links>[0], ReturnType<typeof links>[0]];
    const other = hash("other");
    const reason = (change: object) => {
      const chain = new V1Chain();
      chain.add(first);
      return chain.add({ ...second, ...change });
    };
    expect(reason({ entry_hash: other, prev_hash: other, merkle_root: other })).toBe(
      "hash-mismatch",
    );
    expect(reason({ prev_hash: other, merkle_root: other })).toBe("prev-hash-mismatch");
    expect(reason({ merkle_root: other })).toBe("merkle-mismatch");
  });

  it("compares its end with the head", () => {
    const all = links(3);
    const chain = new V1Chain();
    for (const link of all) chain.add(link);
    const ends = [
      chain.finish(all[1]!),
      chain.finish({ ...all[2]!, entry_hash: hash("other"), merkle_root: hash("other") }),
      chain.finish({ ...all[2]!, merkle_root: hash("other") }),
    ];
    expect(ends.map((end) => end.valid || end.reason)).toEqual([
      "head-mismatch",
      "head-mismatch",
      "merkle-mismatch",
    ]);
  });
});
