import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalJson,
  encodeEntry,
  followRollovers,
  formatReceipt,
  leafHash,
  parseReceipt,
  RECEIPT_LENGTH_MAX,
  signCheckpoint,
  utf8,
  verifyReceipt,
} from "../src/index.ts";
import {
  LOG,
  OTHER_LOG,
  STRANGER,
  sampleEntry,
  sampleLeaves,
  sampleReceipt,
  WITNESS,
} from "./samples.ts";

const receipt = await sampleReceipt({ index: 2, size: 5 });
const witnessed = await sampleReceipt({ index: 2, size: 5 }, [LOG, WITNESS]);
const keys = [LOG.vkey, WITNESS.vkey];

describe("a receipt", () => {
  it("is a tlog-proof file", () => {
    const lines = receipt.split("\n");
    expect(lines[0]).toBe("c2sp.org/tlog-proof@v1");
    expect(lines[1]).toBe(`extra ${Buffer.from(encodeEntry(sampleEntry(2))).toString("base64")}`);
    expect(lines[2]).toBe("index 2");
    expect(lines.slice(3, 6).map((line) => Buffer.from(line, "base64").length)).toEqual([
      32, 32, 32,
    ]);
    expect(lines.slice(6, 9)).toEqual(["", LOG.name, "5"]);
  });

  it("gives back what it read, character by character", () => {
    expect(formatReceipt(parseReceipt(witnessed))).toBe(witnessed);
  });

  it("verifies to its statement", () => {
    expect(verifyReceipt(witnessed, keys)).toMatchObject({
      ok: true,
      origin: LOG.name,
      size: 5,
      index: 2,
      entry: sampleEntry(2),
      keys: [expect.stringContaining(LOG.name), expect.stringContaining(WITNESS.name)],
    });
  });

  it("verifies for every entry of every small log", async () => {
    for (let size = 1; size <= 6; size++) {
      for (let index = 0; index < size; index++) {
        const answer = verifyReceipt(await sampleReceipt({ index, size }), [LOG.vkey]);
        expect(answer).toMatchObject({ ok: true, index, size, entry: sampleEntry(index) });
      }
    }
  });
});

describe("a changed receipt", () => {
  it("never verifies, whichever byte was changed", () => {
    const bytes = Buffer.from(receipt);
    for (let at = 0; at < bytes.length; at++) {
      const old = bytes[at] as number;
      // Walks through all bit patterns; 0x20 turns letter case, which sloppy parsers forgive.
      for (const flip of [1 + (at % 255), 0x20]) {
        bytes[at] = old ^ flip;
        const answer = verifyReceipt(bytes.toString("utf8"), keys);
        if (answer.ok) expect.fail(`byte ${at} ^ ${flip} still verifies`);
        if (answer.code === "verify/unexpected")
          expect.fail(`byte ${at} ^ ${flip}: ${answer.message}`);
      }
      bytes[at] = old;
    }
  });

  it("never verifies with characters added or taken away", () => {
    const edit = fc.record({
      at: fc.nat(receipt.length),
      remove: fc.nat(3),
      insert: fc.oneof(
        fc.string({ maxLength: 3 }),
        fc.constantFrom("\n", " ", "\r", "=", "0", "\n\n", "A"),
      ),
    });
    fc.assert(
      fc.property(edit, ({ at, remove, insert }) => {
        const changed = receipt.slice(0, at) + insert + receipt.slice(at + remove);
        expect(verifyReceipt(changed, keys).ok).toBe(changed === receipt);
      }),
      { numRuns: 300 },
    );
  });

  it("can lose a witness, and says so, but never says anything else", () => {
    const line = witnessed.indexOf(`— ${WITNESS.name}`);
    const alone = JSON.stringify(verifyReceipt(receipt, keys));
    let lost = 0;
    for (let at = 0; at < witnessed.length; at++) {
      const letter = witnessed[at] === "A" ? "B" : "A";
      const answer = verifyReceipt(witnessed.slice(0, at) + letter + witnessed.slice(at + 1), keys);
      if (!answer.ok) continue;
      // Its name or id was changed: a signature of an unknown key, which readers have to ignore.
      expect(at).toBeGreaterThan(line);
      expect(JSON.stringify(answer)).toBe(alone);
      lost++;
    }
    expect(lost).toBeGreaterThanOrEqual(WITNESS.name.length);
    expect(lost).toBeLessThan(WITNESS.name.length + 8);
  });

  it("says the same whatever an unknown witness wrote", async () => {
    const text = await sampleReceipt({ index: 2, size: 5 }, [LOG, STRANGER]);
    for (let at = receipt.length; at < text.length; at += 7) {
      const answer = verifyReceipt(text.slice(0, at) + "B" + text.slice(at + 1), keys);
      if (answer.ok) expect(answer).toEqual(verifyReceipt(receipt, keys));
    }
    expect(verifyReceipt(text, keys)).toEqual(verifyReceipt(receipt, keys));
  });

  it("fails however much is cut off", () => {
    for (let length = 0; length < receipt.length; length++) {
      expect(verifyReceipt(receipt.slice(0, length), keys).ok).toBe(false);
    }
  });

  it("fails with another entry, place, proof or checkpoint of the same log", async () => {
    const parts = parseReceipt(receipt);
    const other = parseReceipt(await sampleReceipt({ index: 3, size: 5 }));
    const later = parseReceipt(await sampleReceipt({ index: 2, size: 7 }));
    const code = "verify/inclusion-wrong";
    for (const wrong of [
      { entry: other.entry },
      { index: 3 },
      { index: 5 },
      { proof: other.proof },
      { proof: [] },
      { checkpoint: later.checkpoint },
    ]) {
      expect(verifyReceipt(formatReceipt({ ...parts, ...wrong }), keys)).toMatchObject({
        ok: false,
        code,
      });
    }
    const whole = { ...parts, proof: later.proof, checkpoint: later.checkpoint };
    expect(verifyReceipt(formatReceipt(whole), keys)).toMatchObject({ ok: true, size: 7 });
  });
});

describe("keys", () => {
  it.each([
    ["none", [], "verify/key-missing"],
    ["another log's", [OTHER_LOG.vkey], "verify/signature-missing"],
    ["a witness's alone", [WITNESS.vkey], "verify/origin-unsigned"],
    ["a cut one", [LOG.vkey.slice(1)], "verify/key-malformed"],
  ])("%s do not verify", (_, vkeys, code) => {
    expect(verifyReceipt(witnessed, vkeys)).toMatchObject({ ok: false, code });
  });

  it("repeated are one key; repeated signatures are refused", () => {
    expect(verifyReceipt(witnessed, [...keys, ...keys])).toMatchObject({
      ok: true,
      keys: { length: 2 },
    });
    const line = receipt.split("\n").find((l) => l.startsWith(`— ${LOG.name}`));
    const twice = verifyReceipt(`${receipt}${line}\n`, keys);
    expect(twice).toMatchObject({ ok: false, code: "verify/note-malformed" });
  });
});

describe("any input", () => {
  it("is answered, without a throw", () => {
    const lines = fc.constantFrom(...receipt.split("\n"), "extra ", "extra AAAA", "index -1", "— ");
    const shuffled = fc.array(lines, { maxLength: 20 }).map((picked) => picked.join("\n"));
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), shuffled), (text) => {
        expect(verifyReceipt(text, keys)).toMatchObject({
          ok: false,
          code: /^verify\/(?!unexpected)/,
        });
      }),
    );
  });

  it.each([undefined, null, 7, {}, new Uint8Array(9), ["x"]])("%j is not verified", (text) => {
    expect(verifyReceipt(text as never, keys).ok).toBe(false);
    expect(verifyReceipt(receipt, text as never).ok).toBe(false);
  });

  it("is bounded: huge receipts are refused before they are read", () => {
    const huge = `${receipt}${"— x AAAAAAA=\n".repeat(1_000_000)}`;
    const started = performance.now();
    expect(verifyReceipt(huge, keys)).toMatchObject({
      ok: false,
      code: "verify/receipt-malformed",
    });
    expect(verifyReceipt("\n".repeat(RECEIPT_LENGTH_MAX), keys).ok).toBe(false);
    expect(verifyReceipt("c2sp.org/tlog-proof@v1\n".repeat(40_000), keys).ok).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it("with a proof of more hashes than any log has is refused", () => {
    const proof = Array(54).fill(new Uint8Array(32));
    const long = formatReceipt({ ...parseReceipt(receipt), proof });
    expect(verifyReceipt(long, keys)).toMatchObject({ code: "verify/receipt-malformed" });
  });

  it("sealed by a log but not an entry of format 2 is refused", async () => {
    for (const entry of [
      utf8("{}"),
      utf8(canonicalJson({ ...sampleEntry(0), v: 3 })),
      Uint8Array.of(0xff),
    ]) {
      const checkpoint = await signCheckpoint(
        { origin: LOG.name, size: 1, root: leafHash(entry) },
        [LOG],
      );
      const answer = verifyReceipt(formatReceipt({ index: 0, proof: [], entry, checkpoint }), keys);
      expect(answer).toMatchObject({ ok: false, code: "verify/entry-malformed" });
    }
  });

  it("carries the largest entry", async () => {
    const room = 65_535 - (sampleLeaves(1)[0] as Uint8Array).length;
    const actor = sampleEntry(0).actor + "x".repeat(room);
    const entry = utf8(encodeEntry({ ...sampleEntry(0), actor }));
    const checkpoint = await signCheckpoint({ origin: LOG.name, size: 1, root: leafHash(entry) }, [
      LOG,
    ]);
    const answer = verifyReceipt(formatReceipt({ index: 0, proof: [], entry, checkpoint }), keys);
    expect([entry.length, answer]).toMatchObject([65_535, { ok: true, entry: { actor } }]);
  });
});

it("rollovers that are none have an answer, too", () => {
  for (const none of [undefined, null, 1, [undefined]])
    expect(followRollovers(LOG.vkey, none as never)).toMatchObject({ ok: false });
});
