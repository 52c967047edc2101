import { describe, expect, test } from "vitest";
import { ed25519Signer, isEd25519Key } from "#verifier";
import {
  endorsementMessage,
  readAliasRecord,
  recordMessage,
  rotationMessage,
  setDigest,
} from "./alias/record.ts";
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { bytesOf, hexOf, isSigned, nodeOf } from "./digest.ts";
import { forwardingMessage, readForwardingRecord } from "./forwarding/record.ts";
import { isAlive, LIFETIME_S, lifetimeAt } from "./lifetime.ts";
import { keysetIdOf, readPaymentRecord, registryMessage } from "./payment/record.ts";
import { voucher } from "./payment/voucher.ts";

// Computed with Python's hashlib and an encoder of twenty lines, from the README's words alone.
const RECORD =
  "a56274731a684ee180637365710763736967584009090909090909090909090909090909090909090909090909090909090909090909090909090909090909090909090909090909090909090909090909090909646e6f646554000102030405060708090a0b0c0d0e0f1011121365616c6961736567c3a47465";
const PAYMENT = `a56563757276656163666b65797365745820${"07".repeat(32)}666e756d626572016870726576696f7573f669656e646f727365727385${[1, 2, 3, 4, 5].map((n) => `5820${`0${n}`.repeat(32)}`).join("")}`;
const FORWARDING =
  "a763656e64190e106470656572f66562797465731b001fffffffffffff6572656c617954000102030405060708090a0b0c0d0e0f101112136573746172740065756e69747319012c666b6579736574f6";
const NODE = Buffer.from(Array.from({ length: 20 }, (_, i) => i));
const ALIAS = { alias: "gäte", node: NODE, seq: 7, ts: 1_750_000_000 };
const set = (number: number, keys: number[]) => ({
  alias: "gäte",
  number,
  minSigners: 2,
  maintainers: keys.map((n) => Buffer.alloc(32, n)),
});

test.each<[string, () => Uint8Array, string]>([
  [
    "what a node signs",
    () => recordMessage(ALIAS),
    "b7be08b35e1cf9cb442554ca071b7377764bfa3860a40c0437513b33c11ba66c",
  ],
  ["an alias record", () => encodeCbor({ ...ALIAS, sig: Buffer.alloc(64, 9) }), RECORD],
  [
    "a set of maintainers, in whichever order",
    () => setDigest(set(1, [3, 1, 2])),
    "226e1b697837bb04ddb9b416b850b4eef053cc0b8b35b08da1587748f3972da9",
  ],
  [
    "what a maintainer signs",
    () => endorsementMessage(set(1, [1, 2, 3]), bytesOf(RECORD)),
    "af8b9f40aa973c736bdff8266b15a7fa7237b2f29254cc9d0097504ca494058b",
  ],
  [
    "what hands over",
    () => rotationMessage(set(1, [1, 2, 3]), set(2, [4, 5, 6])),
    "fc6ee06eb0d77923fc47e7b1948e77a6577d459c13d048596541c8388d6ee378",
  ],
  [
    "what an endorser signs",
    () => registryMessage(bytesOf(PAYMENT)),
    "7aa5604f06e739640e69c80d33e94445b0a287d8569b0820338fe43fd8f83266",
  ],
  [
    "what a relay signs",
    () => forwardingMessage(bytesOf(FORWARDING)),
    "d7c2ea1894c7a363b1483605abbe33238f1bf3148b021f5ad1f65b0442d8724d",
  ],
  [
    "the name of a keyset",
    () => bytesOf(keysetIdOf([Buffer.alloc(32, 2), Buffer.alloc(32, 1)])),
    "f818afd37a6dc3bc92fb44731011277006db4efa6e9023cd7468c02335d22a4d",
  ],
])("golden: %s", (_, made, wanted) => expect(hexOf(made())).toBe(wanted));

describe("CBOR has one spelling", () => {
  test.each<[string, string]>([
    ["a length in more bytes than it needs", "5801ff"],
    ["an integer in more bytes than it needs", "1817"],
    ["an integer in eight bytes that fits into four", "1b0000000000000001"],
    ["an integer beyond 2^53 - 1", "1b0020000000000000"],
    ["text of indefinite length", "7f6161ff"],
    ["bytes of indefinite length", "5f4101ff"],
    ["a list of indefinite length", "9f01ff"],
    ["a map of indefinite length", "bf616101ff"],
    ["keys in another order", "a2616201616101"],
    ["keys by length of the text before its bytes", "a2626161016162f6"],
    ["a key twice", "a2616101616102"],
    ["a float that fits into an integer", "f93c00"],
    ["a float in more bytes than it needs", "fb3ff8000000000000"],
    ["not a number", "f97e00"],
    ["infinity", "f97c00"],
    ["undefined", "f7"],
    ["a tag", "c11a514b67b0"],
    ["text that is not UTF-8", "61ff"],
    ["bytes after the value", "0000"],
    ["less than it says", "4201"],
    ["nothing", ""],
  ])("%s is refused", (_, bytes) => expect(() => decodeCbor(bytesOf(bytes))).toThrow(Error));

  test.each([RECORD, PAYMENT, FORWARDING, "1b001fffffffffffff", "a2616101626161f6", "80", "f5"])(
    "%s is read, and written again as it was",
    (bytes) => expect(hexOf(encodeCbor(decodeCbor(bytesOf(bytes))))).toBe(bytes),
  );
});

describe("a record is exactly its fields", () => {
  const whole = { ...ALIAS, sig: Buffer.alloc(64) };
  test("which are read", () => {
    expect(readAliasRecord(encodeCbor(whole))).toEqual({ ...whole, node: NODE });
    expect(readForwardingRecord(bytesOf(FORWARDING))).toMatchObject({
      bytes: Number.MAX_SAFE_INTEGER,
      units: 300,
      peer: null,
    });
  });

  test.each<[string, object]>([
    ["one more", { ...whole, more: 1 }],
    ["one less", ALIAS],
    ["a short node", { ...whole, node: Buffer.alloc(19) }],
    ["a long signature", { ...whole, sig: Buffer.alloc(65) }],
    ["bytes that are text", { ...whole, node: "x".repeat(20) }],
    ["a negative seq", { ...whole, seq: -1 }],
    ["half a second", { ...whole, ts: 1.5 }],
    ["a space in the alias", { ...whole, alias: "a b" }],
    ["a letter in two parts", { ...whole, alias: "a\u0308" }],
    ["an invisible letter", { ...whole, alias: "a\u200b" }],
    ["no alias", { ...whole, alias: "" }],
    ["too long an alias", { ...whole, alias: "a".repeat(201) }],
    ["a list", [1]],
  ])("not %s", (_, value) =>
    expect(() => readAliasRecord(encodeCbor(value))).toThrow(
      expect.objectContaining({ code: "action/record_malformed" }),
    ),
  );

  const keys = [1, 2, 3, 4, 5]
    .map((n) =>
      Buffer.from(
        ed25519Signer("k", new Uint8Array(32).fill(n)).vkey.split("+")[2]!,
        "base64",
      ).subarray(1),
    )
    .toSorted(Buffer.compare);
  const payment = {
    curve: "c",
    endorsers: keys,
    keyset: Buffer.alloc(32),
    number: 1,
    previous: null,
  };
  test("endorsers are five at least, in order, once each, and no weak keys", () => {
    expect(readPaymentRecord(encodeCbor(payment)).endorsers).toEqual(keys);
    const zero = Buffer.alloc(32);
    for (const endorsers of [
      keys.slice(1),
      keys.toReversed(),
      [...keys, keys[4]!],
      [zero, ...keys],
    ])
      expect(() => readPaymentRecord(encodeCbor({ ...payment, endorsers }))).toThrow();
  });
});

describe("keys and signatures", () => {
  test.each<[string, string]>([
    ["the neutral element", `01${"00".repeat(31)}`],
    ["a point of order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"],
    ["zero", "00".repeat(32)],
    ["no point", `02${"00".repeat(31)}`],
    ["beyond the field", `ee${"ff".repeat(30)}7f`],
    ["31 bytes", "00".repeat(31)],
  ])("%s is no key", (_, key) => expect(isEd25519Key(bytesOf(key))).toBe(false));

  const seed = new Uint8Array(32).fill(1);
  const signer = ed25519Signer("k", seed);
  const key = Buffer.from(signer.vkey.split("+")[2]!, "base64").subarray(1);
  const message = recordMessage(ALIAS);
  const signature = Buffer.from(signer.sign(message) as Uint8Array);

  test("a signature with one byte changed is none, and neither is one of another message or key", () => {
    expect([isEd25519Key(key), isSigned(key, message, signature)]).toEqual([true, true]);
    expect(nodeOf(key)).toHaveLength(20);
    for (let i = 0; i < signature.length; i++)
      expect(isSigned(key, message, changed(signature, i))).toBe(false);
    for (let i = 0; i < message.length; i++)
      expect(isSigned(key, changed(message, i), signature)).toBe(false);
    for (let i = 0; i < key.length; i++)
      expect(isSigned(changed(key, i), message, signature)).toBe(false);
  });

  test("nor the same one spelled otherwise: s + the group's order", () => {
    const L = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${hexOf(signature.subarray(32).toReversed())}`) + L;
    const spelled = bytesOf(s.toString(16).padStart(64, "0")).toReversed();
    expect(isSigned(key, message, Buffer.concat([signature.subarray(0, 32), spelled]))).toBe(false);
  });

  test("every field of a record is signed", () => {
    const others = [
      { ...ALIAS, alias: "gate" },
      { ...ALIAS, node: changed(NODE, 0) },
      { ...ALIAS, seq: 8 },
      { ...ALIAS, ts: 1_750_000_001 },
      { ...ALIAS, seq: ALIAS.ts, ts: ALIAS.seq },
    ];
    for (const other of others) expect(isSigned(key, recordMessage(other), signature)).toBe(false);
  });
});

function changed(bytes: Buffer, i: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[i]! ^= 1;
  return copy;
}

test("a record lives 365 days to the millisecond, and may be five minutes ahead", () => {
  const now_ms = 1_800_000_000_000;
  const oldest = now_ms / 1000 - LIFETIME_S;
  expect(lifetimeAt(now_ms)).toEqual({ earliest: oldest, latest: 1_800_000_300 });
  expect([
    isAlive(oldest, now_ms),
    isAlive(oldest, now_ms + 1),
    isAlive(oldest - 1, now_ms),
  ]).toEqual([true, false, false]);
});

describe("of a voucher nothing is read but its keyset", () => {
  test("whatever follows", () => {
    const read = voucher.parse("ab".repeat(32) + "cd".repeat(96));
    expect(read).toEqual({ keyset_id: "ab".repeat(32) });
  });
  test.each(["", "ab".repeat(127), "ab".repeat(129), "AB".repeat(128), `${"ab".repeat(127)}zz`])(
    "%s is none, and is not told back",
    (text) => {
      const { error } = voucher.safeParse(text);
      expect(error?.issues).toHaveLength(1);
      expect(JSON.stringify(error)).not.toContain("abab");
    },
  );
});
