import { describe, expect, it } from "vitest";
import {
  consistencyProof,
  EMPTY_ROOT,
  formatCheckpoint,
  leafHash,
  parseCheckpoint,
  signCheckpoint,
  signNote,
  toBase64,
  utf8,
  verifyCheckpoint,
  verifyGrowth,
} from "../src/index.ts";
import { LOG, logOf, OTHER_LOG, sampleCheckpoint, sampleLeaves, WITNESS } from "./samples.ts";

const ROOT = leafHash(utf8("x"));

describe("the text of a checkpoint", () => {
  it("is that of the standard's example", () => {
    const text =
      "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    expect(parseCheckpoint(text)).toMatchObject({
      origin: "example.com/behind-the-sofa",
      size: 20852163,
    });
    expect(formatCheckpoint(parseCheckpoint(text))).toBe(text);
  });

  it("keeps extension lines", () => {
    const checkpoint = { origin: "o", size: 1, root: ROOT, extensions: ["one", "two lines "] };
    expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint);
  });

  it.each([
    ["leading zero", `o\n01\n${toBase64(ROOT)}\n`],
    ["plus sign", `o\n+1\n${toBase64(ROOT)}\n`],
    ["size above 2^53", `o\n9007199254740992\n${toBase64(ROOT)}\n`],
    ["empty size", `o\n\n${toBase64(ROOT)}\n`],
    ["empty origin", `\n1\n${toBase64(ROOT)}\n`],
    ["short root", `o\n1\n${toBase64(ROOT.slice(1))}\n`],
    ["hex root", `o\n1\n${"00".repeat(32)}\n`],
    ["empty extension", `o\n1\n${toBase64(ROOT)}\n\n`],
    ["no last newline", `o\n1\n${toBase64(ROOT)}`],
    ["two lines", "o\n1\n"],
    ["root of nothing that is not the empty root", `o\n0\n${toBase64(ROOT)}\n`],
  ])("is refused with a %s", (_, text) =>
    expect(() => parseCheckpoint(text)).toThrow(/no checkpoint/),
  );

  it.each([
    { origin: "o\n9", size: 1, root: ROOT },
    { origin: "", size: 1, root: ROOT },
    { origin: "o", size: 1.5, root: ROOT },
    { origin: "o", size: -1, root: ROOT },
    { origin: "o", size: 1, root: ROOT.slice(1) },
    { origin: "o", size: 1, root: ROOT, extensions: ["a\nb"] },
    { origin: "o", size: 1, root: ROOT, extensions: [""] },
  ])("is not written for %j", (checkpoint) => {
    expect(() => formatCheckpoint(checkpoint)).toThrow(/no checkpoint/);
  });
});

describe("verifying a checkpoint", () => {
  it("tells what was signed and by whom", async () => {
    const note = await sampleCheckpoint(5, [LOG, WITNESS]);
    expect(verifyCheckpoint(note, [WITNESS.vkey, LOG.vkey, LOG.vkey])).toEqual({
      ok: true,
      origin: LOG.name,
      size: 5,
      root: toBase64(logOf(sampleLeaves(5)).range.root()),
      keys: [LOG, WITNESS].map(({ vkey }) => vkey.split("+").slice(0, 2).join("+")),
    });
  });

  it("works for a log without entries", async () => {
    const note = await signCheckpoint({ origin: LOG.name, size: 0, root: EMPTY_ROOT }, [LOG]);
    expect(verifyCheckpoint(note, [LOG.vkey])).toMatchObject({ ok: true, size: 0 });
  });

  it.each([
    ["no key", [], "verify/key-missing"],
    ["a key that is none", ["nonsense"], "verify/key-malformed"],
    ["the key of another log", [OTHER_LOG.vkey], "verify/signature-missing"],
    ["a witness alone", [WITNESS.vkey], "verify/origin-unsigned"],
  ])("fails with %s", async (_, vkeys, code) => {
    const note = await sampleCheckpoint(5, [LOG, WITNESS]);
    expect(verifyCheckpoint(note, vkeys)).toMatchObject({ ok: false, code });
  });

  it("does not let one log speak for another", async () => {
    const note = await signCheckpoint({ origin: LOG.name, size: 1, root: ROOT }, [OTHER_LOG]);
    expect(verifyCheckpoint(note, [OTHER_LOG.vkey])).toMatchObject({
      code: "verify/origin-unsigned",
    });
  });

  it("does not take a signed note for a checkpoint", async () => {
    const note = await signNote("hello\nworld\n", [LOG]);
    expect(verifyCheckpoint(note, [LOG.vkey])).toMatchObject({
      code: "verify/checkpoint-malformed",
    });
  });
});

describe("verifying growth", () => {
  const { hashAt } = logOf(sampleLeaves(9));

  it("accepts that the log appended", async () => {
    const [older, newer] = [await sampleCheckpoint(4), await sampleCheckpoint(9)];
    const proof = await consistencyProof(4, 9, hashAt);
    expect(verifyGrowth({ older, newer, proof }, [LOG.vkey])).toMatchObject({
      ok: true,
      older: { size: 4 },
      newer: { size: 9 },
    });
    expect(verifyGrowth({ older: newer, newer: older, proof }, [LOG.vkey])).toMatchObject({
      code: "verify/consistency-wrong",
    });
  });

  it("shows a fork: two signed heads that do not fit", async () => {
    const forged = logOf(sampleLeaves(9).with(2, utf8("rewritten")));
    const newer = await signCheckpoint({ origin: LOG.name, size: 9, root: forged.range.root() }, [
      LOG,
    ]);
    const proof = await consistencyProof(4, 9, forged.hashAt);
    const answer = verifyGrowth({ older: await sampleCheckpoint(4), newer, proof }, [LOG.vkey]);
    expect(answer).toMatchObject({ ok: false, code: "verify/consistency-wrong" });
  });

  it("does not compare two logs", async () => {
    const { range } = logOf(sampleLeaves(4));
    const other = await signCheckpoint({ origin: OTHER_LOG.name, size: 4, root: range.root() }, [
      OTHER_LOG,
    ]);
    const claim = { older: await sampleCheckpoint(4), newer: other, proof: [] };
    expect(verifyGrowth(claim, [LOG.vkey, OTHER_LOG.vkey])).toMatchObject({
      code: "verify/origin-different",
    });
  });
});
