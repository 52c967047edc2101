import { describe, expect, it } from "vitest";
import {
  cosignatureTime,
  ed25519Signer,
  ed25519Verify,
  formatNote,
  formatVerifierKey,
  fromHex,
  openNote,
  parseNote,
  parseVerifierKey,
  signNote,
  toBase64,
  utf8,
  verifierOf,
} from "../src/index.ts";
import { LOG, OTHER_LOG, STRANGER, WITNESS } from "./samples.ts";

const TEXT = "a note\n\nof two parts\n";
const open = (note: string, ...vkeys: string[]) => openNote(note, vkeys.map(verifierOf));

describe("notes that others made", () => {
  // From the documentation of golang.org/x/mod/sumdb/note.
  const PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  const NOTE =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n" +
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

  it("verify", () => {
    const { text, verified } = open(NOTE, PETER);
    expect(text).toBe(NOTE.slice(0, NOTE.indexOf("\n\n") + 1));
    expect(verified).toMatchObject([{ name: "PeterNeumann", keyId: 0xc74f20a3 }]);
  });

  it("verify beside signatures of unknown keys", () => {
    const enoch =
      "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";
    const { verified, unverified } = open(NOTE + enoch, PETER);
    expect([verified.length, unverified.map(({ name }) => name)]).toEqual([1, ["EnochRoot"]]);
    const EnochRoot = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
    expect(open(NOTE + enoch, PETER, EnochRoot).verified).toHaveLength(2);
  });

  it("do not verify with one letter changed", () => {
    expect(() => open(NOTE.replace("answer", "Answer"), PETER)).toThrow(
      /does not belong to this text/,
    );
  });
});

describe("verifier keys", () => {
  it("keep their parts", () => {
    const publicKey = new Uint8Array(32).fill(0xfb); // its base64 holds plus signs
    const vkey = formatVerifierKey("log.example/ü", 1, publicKey);
    expect(vkey.split("+").length).toBeGreaterThan(3);
    expect(parseVerifierKey(vkey)).toMatchObject({ name: "log.example/ü", type: 1, publicKey });
  });

  it.each([
    ["an empty text", ""],
    ["no name", LOG.vkey.replace(LOG.name, "")],
    ["another name", LOG.vkey.replace("orders", "0rders")],
    ["a space in the name", LOG.vkey.replace("orders", "or ders")],
    ["an ideographic space", LOG.vkey.replace("orders", "or\u3000ders")],
    ["a next-line character", LOG.vkey.replace("orders", "or\u0085ders")],
    ["upper-case hex", LOG.vkey.replace(/\+([0-9a-f]{8})\+/, (id) => id.toUpperCase())],
    ["a cut key", LOG.vkey.slice(0, -4)],
    ["a trailing newline", `${LOG.vkey}\n`],
    ["a control character", formatKey("log\u0001", 1)],
    ["an unknown type", formatKey("log", 9)],
  ])("with %s are refused", (_, vkey) => {
    expect(() => verifierOf(vkey)).toThrow(/no verifier key|is of type 9/);
  });

  function formatKey(name: string, type: number): string {
    try {
      return formatVerifierKey(name, type, new Uint8Array(32));
    } catch {
      return name;
    }
  }
});

describe("opening a note", () => {
  it("needs name and id", async () => {
    const note = await signNote(TEXT, [LOG]);
    const namesake = ed25519Signer(LOG.name, new Uint8Array(32).fill(9));
    expect(() => open(note, namesake.vkey)).toThrow(/None of the given keys/);
    expect(() =>
      open(note.replace("— log.example/orders", "— log.example/other"), LOG.vkey),
    ).toThrow(/None of the given keys/);
  });

  it("does not believe an id: an equal id with another key fails", async () => {
    const note = await signNote(TEXT, [{ ...OTHER_LOG, name: LOG.name, keyId: LOG.keyId }]);
    expect(() => open(note, LOG.vkey)).toThrow(/does not belong to this text/);
  });

  it("spoils the note if any known key's signature is wrong", async () => {
    const lie = { ...OTHER_LOG, sign: () => new Uint8Array(64) };
    const note = await signNote(TEXT, [LOG, lie]);
    expect(open(note, LOG.vkey).unverified).toHaveLength(1);
    expect(() => open(note, LOG.vkey, OTHER_LOG.vkey)).toThrow(/does not belong to this text/);
  });

  it("refuses two signatures of one known key, and two keys with one label", async () => {
    const note = await signNote(TEXT, [LOG, LOG]);
    expect(() => open(note, LOG.vkey)).toThrow(/signed it twice/);
    expect(() => open(note, LOG.vkey, LOG.vkey)).toThrow(/same name and the same id/);
    const strangers = await signNote(TEXT, [LOG, OTHER_LOG, OTHER_LOG]);
    expect(open(strangers, LOG.vkey).unverified).toHaveLength(2);
  });

  it("accepts 128 signatures and refuses 129", async () => {
    const others = Array.from({ length: 127 }, (_, i) => ({ ...OTHER_LOG, name: `key${i}` }));
    expect(open(await signNote(TEXT, [...others, LOG]), LOG.vkey).unverified).toHaveLength(127);
    expect(() => parseNote(formatNote(repeatedNote(129)))).toThrow(/more than 128/);
  });

  const repeatedNote = (count: number) => ({
    text: TEXT,
    signatures: Array(count).fill({ name: "k", keyId: 1, signature: new Uint8Array(64) }),
  });

  it.each([
    ["nothing", ""],
    ["no signature", `${TEXT}\n`],
    ["no empty line", "a note\n— k AAAAAAA=\n"],
    ["no last newline", "a note\n\n— k AAAAAAA="],
    ["a hyphen for the dash", "a note\n\n- k AAAAAAA=\n"],
    ["two spaces", "a note\n\n—  k AAAAAAA=\n"],
    ["a space at the end", "a note\n\n— k AAAAAAA= \n"],
    ["no signature bytes after the id", "a note\n\n— k AAAAAA==\n"],
    ["stray bits in base64", "a note\n\n— k AAAAAAB=\n"],
    ["base64 without padding", "a note\n\n— k AAAAAAA\n"],
    ["a plus in the name", "a note\n\n— k+k AAAAAAA=\n"],
    ["a tab", "a\tnote\n\n— k AAAAAAA=\n"],
    ["a carriage return", "a note\r\n\n— k AAAAAAA=\n"],
    ["a NUL", "a note\0\n\n— k AAAAAAA=\n"],
    ["a lone surrogate", "a note\ud800\n\n— k AAAAAAA=\n"],
    ["a million characters", `${"a".repeat(1_000_000)}\n\n— k AAAAAAA=\n`],
  ])("refuses %s", (_, note) => {
    expect(() => parseNote(note)).toThrow(/no signed note/);
  });

  it("gives back what it read, character by character", async () => {
    const note = await signNote(TEXT, [LOG, OTHER_LOG, WITNESS]);
    expect(formatNote(parseNote(note))).toBe(note);
    expect(parseNote("a note\n\n— k AAAAAAA=\n").signatures).toHaveLength(1);
  });

  it("asks a signer that is an object with a state of its own", async () => {
    class KeyService {
      readonly name = LOG.name;
      readonly keyId = LOG.keyId;
      readonly #signer = LOG;
      async sign(text: Uint8Array): Promise<Uint8Array> {
        return this.#signer.sign(text);
      }
    }
    expect(open(await signNote(TEXT, [new KeyService()]), LOG.vkey).verified).toHaveLength(1);
  });

  it.each(["", "no newline", "tab\t\n"])("does not sign %j", async (text) => {
    await expect(signNote(text, [LOG])).rejects.toThrow(/no signed note/);
    await expect(signNote(TEXT, [])).rejects.toThrow(/no signature/);
    await expect(signNote(TEXT, [{ ...LOG, name: "a b" }])).rejects.toThrow(/no key name/);
  });
});

describe("cosignatures of witnesses", () => {
  it("verify with their time, beside the log's", async () => {
    const { verified, unverified } = open(
      await signNote(TEXT, [LOG, WITNESS, STRANGER]),
      LOG.vkey,
      WITNESS.vkey,
    );
    expect(verified.map(({ name }) => name)).toEqual([LOG.name, WITNESS.name]);
    expect(unverified.map(({ name }) => name)).toEqual([STRANGER.name]);
    expect(cosignatureTime((verified[1] as { signature: Uint8Array }).signature)).toBe(
      1_795_000_000n,
    );
  });

  it("bind their time", async () => {
    const { text, signatures } = parseNote(await signNote(TEXT, [WITNESS]));
    const [first] = signatures as [(typeof signatures)[number]];
    const later = first.signature.with(7, (first.signature[7] as number) + 1);
    expect(() =>
      open(formatNote({ text, signatures: [{ ...first, signature: later }] }), WITNESS.vkey),
    ).toThrow(/does not belong/);
  });

  // The example of c2sp.org/tlog-cosignature names no key; its layout is what is checked here.
  it("have the length of the standard's example", async () => {
    const [line = ""] = (await signNote(TEXT, [WITNESS])).split("\n").slice(-2);
    expect(line.split(" ")[2]).toHaveLength(toBase64(new Uint8Array(4 + 8 + 64)).length);
  });
});

describe("Ed25519", () => {
  const publicKey = fromHex(
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  ) as Uint8Array;
  const signature = fromHex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
      "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ) as Uint8Array;

  it("is that of RFC 8032 section 7.1, test 1", () => {
    expect(ed25519Verify(publicKey, new Uint8Array(), signature)).toBe(true);
    expect(ed25519Verify(publicKey, utf8("x"), signature)).toBe(false);
  });

  it("has one form for one signature: s plus the group order is refused", () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    let s = BigInt(`0x${Buffer.from(signature.slice(32)).reverse().toString("hex")}`) + order;
    const malleable = signature.slice();
    for (let i = 32; i < 64; i++, s >>= 8n) malleable[i] = Number(s & 255n);
    expect(ed25519Verify(publicKey, new Uint8Array(), malleable)).toBe(false);
  });

  it("gives weak public keys nothing", () => {
    const identity = Uint8Array.of(1, ...new Uint8Array(31));
    const forged = Uint8Array.of(...identity, ...new Uint8Array(32));
    expect(ed25519Verify(identity, utf8("anything"), forged)).toBe(false);
  });

  it("answers false to bytes of another length", () => {
    expect(ed25519Verify(publicKey, new Uint8Array(), signature.slice(1))).toBe(false);
    expect(ed25519Verify(publicKey.slice(1), new Uint8Array(), signature)).toBe(false);
  });
});
