import { fromBase64, toBase64 } from "./bytes.ts";
import { parseCount } from "./decimal.ts";
import { HASH_SIZE } from "./merkle.ts";
import { VerifyError } from "./verify-error.ts";

/** What a witness is sent (c2sp.org/tlog-witness): a checkpoint, and that it goes on from the one the witness signed. */
export type AddCheckpoint = {
  /** Size of the checkpoint that the witness signed last, as far as the sender knows. */
  old: number;
  /** Consistency proof from there; empty when `old` is 0 or the checkpoint's own size. */
  proof: readonly Uint8Array[];
  /** The signed checkpoint. */
  checkpoint: string;
};

/** Of a request; the standard's limit. */
const PROOF_LINES_MAX = 63;
/** Media type of the size that a witness answers with 409. */
export const SIZE_TYPE = "text/x.tlog.size";

export function formatAddCheckpoint({ old, proof, checkpoint }: AddCheckpoint): string {
  return [`old ${old}`, ...proof.map(toBase64), "", checkpoint].join("\n");
}

/** Reads a request without believing it. `formatAddCheckpoint` gives back the same characters. */
export function parseAddCheckpoint(text: string): AddCheckpoint {
  const headEnd = text.indexOf("\n\n");
  if (headEnd === -1) throw malformed("no empty line stands before its checkpoint");
  const [first = "", ...lines] = text.slice(0, headEnd).split("\n");
  const old = first.startsWith("old ") ? parseCount(first.slice(4)) : undefined;
  if (old === undefined) throw malformed("its first line is not old with a size");
  if (lines.length > PROOF_LINES_MAX)
    throw malformed(`its proof has more than ${PROOF_LINES_MAX} hashes`);
  const proof = lines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_SIZE) throw malformed("a line of its proof is not a base64 hash");
    return hash;
  });
  return { old, proof, checkpoint: text.slice(headEnd + 2) };
}

function malformed(why: string): VerifyError {
  return new VerifyError(
    "verify/request-malformed",
    `This is no add-checkpoint request: ${why}.`,
    "Send what c2sp.org/tlog-witness describes.",
  );
}
