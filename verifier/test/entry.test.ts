import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalJson,
  decodeEntry,
  type Entry,
  encodeEntry,
  leafHash,
  payloadHash,
  toHex,
  utf8,
} from "../src/index.ts";
import { sampleEntry } from "./samples.ts";

describe("golden vectors: these never change", () => {
  const plain: Entry = {
    v: 2,
    log: "log.example/orders",
    time: "2026-11-20T08:00:00.000Z",
    kind: "ledger.transfer",
    actor: "user:0198f2c4",
    action: "ledger.transfer.post",
    outcome: "allowed",
    refs: {},
    payload_hash: "00".repeat(32),
  };
  const awkward: Entry = {
    ...plain,
    actor: 'Zoë "Z" \\ \u0001\n😀',
    outcome: "</script>\u2028\u007f",
    refs: { z: "1", "\ufb33": "2", "😀": "3", "1": "4", __proto_: "5" },
  };

  it.each([
    [
      plain,
      '{"action":"ledger.transfer.post","actor":"user:0198f2c4","kind":"ledger.transfer","log":"log.example/orders","outcome":"allowed","payload_hash":"0000000000000000000000000000000000000000000000000000000000000000","refs":{},"time":"2026-11-20T08:00:00.000Z","v":2}',
      "4194b252d7ac79a65462a700c10c40f230e3cebb60344bdbfb368845c47995a2",
    ],
    [
      awkward,
      '{"action":"ledger.transfer.post","actor":"Zoë \\"Z\\" \\\\ \\u0001\\n😀","kind":"ledger.transfer","log":"log.example/orders","outcome":"</script>\u2028\u007f","payload_hash":"0000000000000000000000000000000000000000000000000000000000000000","refs":{"1":"4","__proto_":"5","z":"1","😀":"3","\ufb33":"2"},"time":"2026-11-20T08:00:00.000Z","v":2}',
      "d8fe8598261a3bbdef87b3b053f01cb2d16a228b19f38675bbd3c341e089ed1f",
    ],
  ])("encodes %#", (entry, text, hash) => {
    expect(encodeEntry(entry)).toBe(text);
    expect(toHex(leafHash(utf8(text)))).toBe(hash);
    expect(decodeEntry(text)).toEqual(entry);
  });

  it("hashes a payload with its salt", () => {
    const salt = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(payloadHash(salt, '{"amount":"10.00"}')).toBe(
      "b48d68914aa52b570edb485437610a397a9931f1bdbd94516b27bb3d7dd8f5b9",
    );
    expect(payloadHash(salt, "")).not.toBe(payloadHash(new Uint8Array(32), ""));
    expect(() => payloadHash(new Uint8Array(16), "x")).toThrow(/32 bytes, not 16/);
  });
});

const word = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => text.isWellFormed());
const anyEntry: fc.Arbitrary<Entry> = fc.record({
  v: fc.constant(2 as const),
  log: word,
  time: fc
    .date({ min: new Date("0000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true })
    .map((d) => d.toISOString()),
  kind: word,
  actor: word,
  action: word,
  outcome: word,
  refs: fc.dictionary(word, word),
  payload_hash: fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex),
});

it("is RFC 8785 for every entry, and decodes to the same entry", () => {
  fc.assert(
    fc.property(anyEntry, (entry) => {
      const text = encodeEntry(entry);
      expect(text).toBe(canonicalJson(entry));
      expect(encodeEntry(decodeEntry(utf8(text)))).toBe(text);
      expect(decodeEntry(text).refs).toEqual({ ...entry.refs });
    }),
  );
});

describe("refuses to encode or decode", () => {
  const entry = sampleEntry(1);
  const { actor: _, ...withoutActor } = entry;
  it.each([
    ["another version", { ...entry, v: 1 }, "version"],
    ["a missing field", withoutActor, "actor"],
    ["an unknown field", { ...entry, note: "x" }, "unknown"],
    ["an empty text", { ...entry, action: "" }, "action"],
    ["a number for a text", { ...entry, outcome: 1 }, "outcome"],
    ["a lone surrogate", { ...entry, kind: "\ud800" }, "kind"],
    ["seconds only", { ...entry, time: "2026-11-20T08:00:00Z" }, "time"],
    ["another zone", { ...entry, time: "2026-11-20T08:00:00.000+01:00" }, "time"],
    ["a day that does not exist", { ...entry, time: "2026-02-30T08:00:00.000Z" }, "time"],
    ["upper-case hex", { ...entry, payload_hash: "AB".repeat(32) }, "payload_hash"],
    ["a short hash", { ...entry, payload_hash: "ab".repeat(31) }, "payload_hash"],
    ["refs that are a list", { ...entry, refs: ["a"] }, "refs"],
    ["refs that are missing", { ...entry, refs: null }, "refs"],
    ["a ref that is no text", { ...entry, refs: { a: 1 } }, "refs.a"],
    ["a ref that is an object", { ...entry, refs: { a: { b: "c" } } }, "refs.a"],
    ["a ref without a name", { ...entry, refs: { "": "a" } }, "refs name"],
    ["no object", "text", "object"],
    ["null", null, "object"],
  ])("%s", (_, wrong, named) => {
    expect(() => encodeEntry(wrong as Entry)).toThrow(named);
    expect(() => decodeEntry(JSON.stringify(wrong))).toThrow(named);
  });

  it("bytes that are not the canonical ones", () => {
    const text = encodeEntry(entry);
    const spellings = [
      ` ${text}`,
      `${text}\n`,
      text.replace('"v":2', '"v":2.0'),
      text.replace('"v":2', '"v":2,"v":2'),
      text.replace("user:1", "user:\\u0031"),
      JSON.stringify(entry),
      `\ufeff${text}`,
      text.slice(0, -1),
    ];
    for (const spelling of spellings) {
      expect(() => decodeEntry(spelling)).toThrow(/no entry of format 2/);
      expect(() => decodeEntry(utf8(spelling))).toThrow(/no entry of format 2/);
    }
    expect(() => decodeEntry(Uint8Array.of(0xff))).toThrow(/not JSON in UTF-8/);
    expect(() => decodeEntry("[".repeat(60_000))).toThrow(/not JSON/);
  });

  it("more than 65,535 bytes, counted in bytes", () => {
    const room = 65_535 - utf8(encodeEntry({ ...entry, actor: "a" })).length;
    for (const [character, bytes] of [
      ["a", 1],
      ["é", 2],
      ["€", 3],
    ] as const) {
      const fits = {
        ...entry,
        actor: `a${character.repeat(Math.floor(room / bytes))}${"b".repeat(room % bytes)}`,
      };
      expect(utf8(encodeEntry(fits))).toHaveLength(65_535);
      expect(decodeEntry(utf8(encodeEntry(fits)))).toEqual(fits);
      const tooLarge = { ...fits, actor: `${fits.actor}b` };
      expect(() => encodeEntry(tooLarge)).toThrow("65536 bytes");
      expect(() => decodeEntry(canonicalJson(tooLarge))).toThrow("65535");
    }
  });
});
