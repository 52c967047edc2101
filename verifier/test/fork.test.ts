import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  consistencyProof,
  type Fork,
  formatFork,
  formatReceipt,
  growthPath,
  inclusionProof,
  parseFork,
  pathOfProof,
  signCheckpoint,
  utf8,
  verifyFork,
} from "../src/index.ts";
import { LOG, logOf, OTHER_LOG, sampleCheckpoint, sampleLeaves, WITNESS } from "./samples.ts";

const keys = [LOG.vkey];
/** The sample log, rewritten from entry `from` on. */
const forkedLeaves = (size: number, from: number) =>
  sampleLeaves(size).map((leaf, i) =>
    i < from ? leaf : utf8(`${i}${Buffer.from(leaf).toString()}`),
  );

async function signed(leaves: readonly Uint8Array[], signers = [LOG]): Promise<string> {
  const { range } = logOf(leaves);
  return signCheckpoint({ origin: LOG.name, size: range.size, root: range.root() }, signers);
}

async function grown(older: number, newer: number, from: number): Promise<Fork> {
  const leaves = forkedLeaves(newer, from);
  const path = await growthPath(older, newer, logOf(leaves).hashAt);
  return {
    kind: "checkpoints",
    first: await sampleCheckpoint(older),
    second: await signed(leaves),
    path,
  };
}

async function receiptOf(leaves: readonly Uint8Array[], index: number): Promise<string> {
  const proof = await inclusionProof(index, leaves.length, logOf(leaves).hashAt);
  return formatReceipt({
    index,
    proof,
    entry: leaves[index] as Uint8Array,
    checkpoint: await signed(leaves),
  });
}

const sameSize: Fork = {
  kind: "checkpoints",
  first: await sampleCheckpoint(6),
  second: await signed(forkedLeaves(6, 3)),
  path: [],
};
const twoReceipts: Fork = {
  kind: "receipts",
  first: await receiptOf(sampleLeaves(5), 3),
  second: await receiptOf(forkedLeaves(9, 2), 3),
  path: [],
};

describe("evidence shows a fork", () => {
  it("by two roots at one size", () => {
    expect(verifyFork(formatFork(sameSize), keys)).toMatchObject({
      ok: true,
      origin: LOG.name,
      differs: { size: 6 },
    });
  });

  it("by two entries at one place", () => {
    expect(verifyFork(formatFork(twoReceipts), keys)).toMatchObject({
      ok: true,
      differs: { index: 3 },
      first: { size: 5 },
      second: { size: 9 },
    });
  });

  it("by the path of a newer tree, for all sizes up to 20 and wherever it was rewritten", async () => {
    for (let newer = 2; newer <= 20; newer++) {
      for (let older = 1; older < newer; older++) {
        for (const from of [0, older - 1, older]) {
          const answer = verifyFork(formatFork(await grown(older, newer, from)), keys);
          // Rewritten after the older checkpoint is not rewritten: nobody was told anything else.
          expect(answer).toMatchObject(
            from < older
              ? { ok: true, differs: { size: older } }
              : { ok: false, code: "verify/fork-unproven" },
          );
        }
      }
    }
  });

  it("by a consistency proof that was refused, unless the older size is a power of two", async () => {
    for (let older = 1; older < 12; older++) {
      const leaves = forkedLeaves(12, 0);
      const proof = await consistencyProof(older, 12, logOf(leaves).hashAt);
      const path = pathOfProof(older, proof);
      if ([1, 2, 4, 8].includes(older)) expect(path).toBeUndefined();
      else {
        const fork = { ...(await grown(older, 12, 0)), path: path! };
        expect(verifyFork(formatFork(fork), keys)).toMatchObject({ ok: true });
      }
    }
  });
});

describe("evidence shows nothing", async () => {
  it.each<[string, Partial<Fork>, Fork, string]>([
    ["twice the same checkpoint", { second: sameSize.first }, sameSize, "verify/fork-unproven"],
    ["twice the same receipt", { second: twoReceipts.first }, twoReceipts, "verify/fork-unproven"],
    [
      "receipts of two places",
      { second: await receiptOf(forkedLeaves(9, 2), 4) },
      twoReceipts,
      "verify/fork-unproven",
    ],
    [
      "a receipt that is false",
      { second: twoReceipts.second.replace("index 3", "index 2") },
      twoReceipts,
      "verify/fork-unproven",
    ],
    [
      "a path where none belongs",
      { path: [new Uint8Array(32)] },
      sameSize,
      "verify/fork-malformed",
    ],
    [
      "a path beside receipts",
      { path: [new Uint8Array(32)] },
      twoReceipts,
      "verify/fork-malformed",
    ],
    [
      "the larger one first",
      { first: await sampleCheckpoint(7) },
      sameSize,
      "verify/fork-malformed",
    ],
    ["no path", { second: await sampleCheckpoint(7) }, sameSize, "verify/fork-unproven"],
    [
      "a checkpoint that another log signed",
      {
        second: await signCheckpoint(
          { origin: OTHER_LOG.name, size: 6, root: logOf(forkedLeaves(6, 3)).range.root() },
          [OTHER_LOG],
        ),
      },
      sameSize,
      "verify/signature-missing",
    ],
    [
      "a checkpoint that only a witness signed",
      { second: await signed(forkedLeaves(6, 3), [WITNESS as never]) },
      sameSize,
      "verify/signature-missing",
    ],
    ["a text that is no note", { second: "hello\n" }, sameSize, "verify/note-malformed"],
  ])("with %s", (_, change, fork, code) => {
    expect(verifyFork(formatFork({ ...fork, ...change }), keys)).toMatchObject({ ok: false, code });
  });

  it("with two logs, though both keys are given", async () => {
    const second = await signCheckpoint(
      { origin: OTHER_LOG.name, size: 6, root: logOf(forkedLeaves(6, 3)).range.root() },
      [OTHER_LOG],
    );
    const text = formatFork({ ...sameSize, second });
    expect(verifyFork(text, [LOG.vkey, OTHER_LOG.vkey])).toMatchObject({
      code: "verify/fork-unproven",
    });
  });
});

describe("evidence", async () => {
  const all = [formatFork(sameSize), formatFork(await grown(5, 7, 2)), formatFork(twoReceipts)];

  it("is read back as it was written", () => {
    for (const text of all) expect(formatFork(parseFork(text))).toBe(text);
  });

  it("shows nothing with any byte changed", () => {
    for (const text of all) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at++) {
        const old = bytes[at] as number;
        for (const flip of [1, 32, 128]) {
          bytes[at] = old ^ flip;
          const answer = verifyFork(bytes.toString("latin1"), keys);
          if (answer.ok) expect.fail(`byte ${at} ^ ${flip} still verifies`);
          if (answer.code === "verify/unexpected") expect.fail(answer.message);
        }
        bytes[at] = old;
      }
    }
  }, 120_000);

  it("shows nothing however much is cut off, or with lines in another order", () => {
    const [, text] = all as [string, string];
    for (let length = 0; length < text.length; length++)
      expect(verifyFork(text.slice(0, length), keys).ok).toBe(false);
    const lines = text.split("\n");
    fc.assert(
      fc.property(
        fc.shuffledSubarray(lines, { minLength: lines.length, maxLength: lines.length }),
        (mixed) => {
          expect(verifyFork(mixed.join("\n"), keys).ok).toBe(mixed.join("\n") === text);
        },
      ),
    );
  });
});
