import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
} from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  concatBytes,
  KEY_TYPE,
  parseNote,
  parseVerifierKey,
  signNote,
  toHex,
  utf8,
  verifyCheckpoint,
} from "../src/index.ts";
import { isMlDsaKey, ML_DSA_KEY_SIZE, mlDsaSigner, mlDsaVerifier } from "../src/ml-dsa.ts";
import { LOG, sampleCheckpoint, WITNESS } from "./samples.ts";

const SECOND = mlDsaSigner(LOG.name, new Uint8Array(32).fill(9));
const KEYS = [LOG.vkey, mlDsaVerifier(SECOND.vkey)];
const note = await sampleCheckpoint(5, [LOG, SECOND as never]);
const [text = "", ...lines] = note.split("\n\n");
const lineOf = (key: { name: string; keyId: number }) =>
  parseNote(note).signatures.find(({ keyId }) => keyId === key.keyId)!;

describe("ML-DSA-44 beside Ed25519", () => {
  it("verifies, and is told among the keys", () => {
    expect(lines).toHaveLength(1);
    expect(verifyCheckpoint(note, KEYS)).toMatchObject({ ok: true, size: 5 });
    const { keys } = verifyCheckpoint(note, KEYS) as { keys: string[] };
    expect(keys).toHaveLength(2);
  });

  it("is a line of an unknown key to who has Ed25519 only, and the other way round", () => {
    expect(verifyCheckpoint(note, [LOG.vkey])).toMatchObject({ ok: true });
    expect(verifyCheckpoint(note, [KEYS[1]!])).toMatchObject({ ok: true });
    expect(verifyCheckpoint(note, [SECOND.vkey])).toMatchObject({ code: "verify/key-unsupported" });
  });

  it("has the key type, the sizes and the message of c2sp.org/tlog-cosignature", () => {
    const key = parseVerifierKey(SECOND.vkey);
    expect([key.type, key.publicKey.length, KEY_TYPE.mlDsa44]).toEqual([6, ML_DSA_KEY_SIZE, 6]);
    const { signature } = lineOf(SECOND);
    expect(signature).toHaveLength(8 + 2_420);
    expect(toHex(signature.subarray(0, 8))).toBe("0000000000000000");
  });

  /** Of another maker: OpenSSL, where the Node that runs this has it. */
  const hasNative = (() => {
    try {
      generateKeyPairSync("ml-dsa-44" as never);
      return true;
    } catch {
      return false;
    }
  })();

  const messageOf = (time: number) => {
    const [origin = "", size, root = ""] = `${text}\n`.split("\n");
    const word = (value: number) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(BigInt(value));
      return bytes;
    };
    const name = Buffer.concat([Buffer.of(origin.length), Buffer.from(origin)]);
    return Buffer.concat([
      Buffer.from("subtree/v1\n\0"),
      name,
      word(time),
      name,
      word(0),
      word(Number(size)),
      Buffer.from(root, "base64"),
    ]);
  };

  it.runIf(hasNative)("is what OpenSSL verifies, over bytes written here from the standard", () => {
    const spki = Buffer.concat([
      Buffer.from("30820532300b0609608648016503040311038205210 0".replace(/ /g, ""), "hex"),
      SECOND.publicKey,
    ]);
    const key = createPublicKey({ key: spki, format: "der", type: "spki" });
    const { signature } = lineOf(SECOND);
    expect(nodeVerify(null, messageOf(0), key, signature.subarray(8))).toBe(true);
    expect(nodeVerify(null, messageOf(1), key, signature.subarray(8))).toBe(false);
  });

  it.runIf(hasNative)("verifies what OpenSSL signed", () => {
    const { publicKey, privateKey } = generateKeyPairSync("ml-dsa-44" as never) as never as {
      publicKey: KeyObject;
      privateKey: KeyObject;
    };
    const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-ML_DSA_KEY_SIZE);
    const verifier = mlDsaVerifier({ name: LOG.name, keyId: 1, type: 6, publicKey: raw });
    const signed = nodeSign(null, messageOf(0), privateKey);
    const bytes = concatBytes(new Uint8Array(8), signed);
    expect(verifier.verify(utf8(`${text}\n`), bytes)).toBe(true);
    expect(verifier.verify(utf8(`${text}\n`.replace("5", "6")), bytes)).toBe(false);
  });

  it("is spoiled by any changed byte of it, of its time, or of the text", () => {
    const { signature } = lineOf(SECOND);
    const signed = utf8(`${text}\n`);
    const verifier = mlDsaVerifier(SECOND.vkey);
    expect(verifier.verify(signed, signature)).toBe(true);
    for (let at = 0; at < signature.length; at += at < 20 ? 1 : 97) {
      const changed = signature.slice();
      changed[at]! ^= 1;
      expect(verifier.verify(signed, changed), `byte ${at}`).toBe(false);
    }
    for (let at = 0; at < signed.length; at++) {
      const changed = signed.slice();
      changed[at]! ^= 1;
      expect(verifier.verify(changed, signature), `character ${at}`).toBe(false);
    }
    for (const length of [0, 8, 2_420, 2_427]) {
      expect(verifier.verify(signed, signature.subarray(0, length))).toBe(false);
    }
  });

  it("signs checkpoints only, and says when where it is a witness's", async () => {
    await expect(signNote("no checkpoint\n", [SECOND])).rejects.toMatchObject({
      code: "verify/checkpoint-malformed",
    });
    const witness = mlDsaSigner("w.example", new Uint8Array(32).fill(8), () => 1_795_000_000);
    const signed = await sampleCheckpoint(3, [LOG, WITNESS, witness as never]);
    const keys = [LOG.vkey, WITNESS.vkey, mlDsaVerifier(witness.vkey)];
    expect(verifyCheckpoint(signed, keys)).toMatchObject({ ok: true, keys: { length: 3 } });
    // A witness cannot stand in for the log.
    expect(verifyCheckpoint(signed, [mlDsaVerifier(witness.vkey)])).toMatchObject({
      code: "verify/origin-unsigned",
    });
  });

  it("refuses keys that are none of its own, by name", () => {
    expect([SECOND.vkey, LOG.vkey, "", "x+y"].map(isMlDsaKey)).toEqual([true, false, false, false]);
    expect(() => mlDsaVerifier(LOG.vkey)).toThrow(/type 1/);
    expect(() => mlDsaVerifier(SECOND.vkey.slice(0, -4))).toThrow(/no verifier key/);
  });

  it("has room for sixteen of them", async () => {
    const many = Array.from({ length: 16 }, (_, i) =>
      mlDsaSigner(`w${i}.example`, new Uint8Array(32).fill(20 + i)),
    );
    const signed = await sampleCheckpoint(2, [LOG, ...many] as never);
    const keys = [LOG.vkey, ...many.map(({ vkey }) => mlDsaVerifier(vkey))];
    expect(verifyCheckpoint(signed, keys)).toMatchObject({ ok: true, keys: { length: 17 } });
  });
});
