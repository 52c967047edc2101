import { type CompactRange, equalBytes, keyLabel, toHex, verifyCheckpoint } from "#verifier";
import { type Checkpoint, type Head } from "../queries.ts";
import type { SealedHead } from "../root/queries.ts";
import type { Cosignature } from "../witness/queries.ts";
import type { Findings } from "./findings.ts";
import { isReplaced } from "./keys.ts";
import { type Known, rootOfHead, rootOfNote } from "./known.ts";

/** What was signed, cosigned and sealed of the tree at its sizes, against what its entries lead to. */
export class SignedAudit {
  readonly #log: string;
  readonly #known: Known;
  readonly #findings: Findings;
  checkpoints = 0;
  cosignatures = 0;
  heads = 0;

  constructor(log: string, known: Known, findings: Findings) {
    this.#log = log;
    this.#known = known;
    this.#findings = findings;
  }

  /** A checkpoint of the tree as it is now, and those of the cosignatures that are of its size. */
  checkpoint(
    { size, root, note }: Checkpoint,
    all: readonly Cosignature[],
    range: CompactRange,
  ): void {
    this.checkpoints++;
    const { keys, keyAudit } = this.#known;
    const signed = verifyCheckpoint(note, keys);
    const computed = Buffer.from(range.root()).toString("base64");
    if (!signed.ok) {
      this.#findings.find("checkpoint_forged", size, signed.message);
      return;
    }
    if (
      signed.size !== size ||
      signed.origin !== this.#log ||
      root.toString("base64") !== computed ||
      signed.root !== computed
    )
      this.#findings.add({
        kind: "checkpoint_mismatch",
        at: size,
        message: `the entries do not lead to the checkpoint that was signed at ${size}`,
        expected: signed.root,
        found: computed,
      });
    if (isReplaced(signed.keys, size, keyAudit.rollovers))
      this.#findings.find(
        "checkpoint_forged",
        size,
        `the checkpoint at ${size} was signed by a key that the log had replaced before`,
      );
    for (const cosignature of all)
      if (cosignature.size === size) this.#cosignature(note, cosignature);
  }

  #cosignature(note: string, { size, key, line }: Cosignature): void {
    const { keys, cosigners } = this.#known;
    const cosigner = cosigners.find((verifier) => keyLabel(verifier) === key);
    if (cosigner === undefined) return;
    const signed = verifyCheckpoint(`${note}${line}`, [...keys, cosigner]);
    if (signed.ok && signed.keys.includes(key)) this.cosignatures++;
    else
      this.#findings.find(
        "cosignature_forged",
        size,
        `the cosignature of ${key} at ${size} is not the witness's`,
      );
  }

  /** What the root log sealed of this log is what its entries lead to. */
  sealedHead({ size, payload }: SealedHead, range: CompactRange): void {
    // The verification of the root log tells that its payload is gone.
    if (payload === null) return;
    const sealed = rootOfNote(payload);
    const computed = Buffer.from(range.root()).toString("base64");
    if (sealed === computed) this.heads++;
    else
      this.#findings.add({
        kind: "root_mismatch",
        at: size,
        message: `the root log sealed another head of ${size} entries`,
        expected: sealed,
        found: computed,
      });
  }

  /** The end of the log as its head has it: the entries reach as far, and lead to its root. */
  head({ size, hashes }: Head, range: CompactRange): void {
    const root = rootOfHead(size, hashes);
    if (range.size !== size)
      this.#findings.add({
        kind: "head_mismatch",
        at: size,
        message: `the head says ${size} entries; ${range.size} are there in order`,
        expected: String(size),
        found: String(range.size),
      });
    else if (root === undefined || !equalBytes(root, range.root()))
      this.#findings.add({
        kind: "head_mismatch",
        at: size,
        message: "the head's root is not that of the entries",
        expected: root && toHex(root),
        found: toHex(range.root()),
      });
  }

  /** What was signed, cosigned or sealed above the last entry: entries were cut off. */
  cutOff(
    counted: number,
    above: {
      readonly signed: number;
      readonly cosigned: number;
      readonly sealed: readonly SealedHead[];
    },
  ): void {
    const { signed, cosigned, sealed } = above;
    // What witnesses cosigned was published: its checkpoint cannot be gone by itself.
    if (cosigned > signed)
      this.#findings.find(
        "checkpoint_missing",
        cosigned,
        `the checkpoint that was cosigned at ${cosigned} is gone`,
      );
    const truncated = (at: number, said: string) =>
      this.#findings.add({
        kind: "truncated",
        at,
        message: `${said}; ${counted} entries are left`,
        expected: String(at),
        found: String(counted),
      });
    if (signed > counted) truncated(signed, `a checkpoint was signed at ${signed}`);
    for (const { size } of sealed) truncated(size, `the root log sealed a head of ${size} entries`);
  }
}
