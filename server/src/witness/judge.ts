import {
  type AddCheckpoint,
  type Checkpoint,
  EMPTY_ROOT,
  equalBytes,
  formatFork,
  formatNote,
  openCheckpoint,
  parseAddCheckpoint,
  parseCheckpoint,
  parseNote,
  pathOfProof,
  type Verifier,
  VerifyError,
  verifyConsistency,
  verifyFork,
} from "#verifier";

/** A log that the witness signs for: its name, and the keys that its checkpoints are signed with. */
export interface Log {
  readonly origin: string;
  readonly vkeys: readonly string[];
  readonly verifiers: readonly Verifier[];
}

/** A checkpoint that its log signed, without what others wrote under it. */
export interface Signed {
  readonly checkpoint: Checkpoint;
  readonly note: string;
}

export interface Request extends Omit<AddCheckpoint, "checkpoint"> {
  readonly log: Log;
  readonly signed: Signed;
}

/** What a request is answered with, unless it is cosigned (c2sp.org/tlog-witness). */
export interface Refused {
  readonly status: 400 | 403 | 404 | 409 | 422;
  readonly why: string;
  /** With 409: the size that the witness cosigned last. */
  readonly size?: number;
  /** Evidence that the log signed two histories. */
  readonly fork?: string;
}

const FORGED: ReadonlySet<string> = new Set([
  "verify/signature-wrong",
  "verify/signature-missing",
  "verify/origin-unsigned",
]);

/** Reads a request, and believes its checkpoint as far as its log signed it. */
export function readRequest(
  text: string,
  logOf: (origin: string) => Log | undefined,
): Request | Refused {
  try {
    const { old, proof, checkpoint: note } = parseAddCheckpoint(text);
    const { origin } = parseCheckpoint(parseNote(note).text);
    const log = logOf(origin);
    if (log === undefined) return { status: 404, why: "this witness does not know the log" };
    const signed = openSigned(note, log);
    if (old > signed.checkpoint.size)
      return { status: 400, why: "the old size is above that of the checkpoint" };
    return { old, proof, log, signed };
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return { status: FORGED.has(error.code) ? 403 : 400, why: error.message };
  }
}

export function openSigned(note: string, { verifiers }: Log): Signed {
  const { checkpoint, verified } = openCheckpoint(note, verifiers);
  return { checkpoint, note: formatNote({ text: parseNote(note).text, signatures: verified }) };
}

/**
 * Whether a checkpoint goes on from the one that was cosigned last; undefined when it does. Whoever asks must keep the new one
 * before anybody else asks about the same log.
 */
export function judge(
  { old, proof, log, signed }: Request,
  last: Signed | undefined,
): Refused | undefined {
  const { checkpoint: newer } = signed;
  const older = last?.checkpoint ?? { size: 0, root: EMPTY_ROOT };
  const conflict = { status: 409, size: older.size } as const;
  if (newer.size === older.size && !equalBytes(newer.root, older.root))
    return {
      ...conflict,
      why: "another root was cosigned at this size",
      ...evidence(log, last, signed, []),
    };
  if (old !== older.size) return { ...conflict, why: "another size was cosigned last" };
  if (verifyConsistency({ older, newer, proof })) return undefined;
  return {
    status: 422,
    why: "the proof does not show that the log only grew",
    ...evidence(log, last, signed, pathOfProof(old, proof)),
  };
}

/** Only what the verifier takes for a fork: a wrong proof alone is nobody's fault but its sender's. */
function evidence(
  { vkeys }: Log,
  last: Signed | undefined,
  signed: Signed,
  path: readonly Uint8Array[] | undefined,
): Pick<Refused, "fork"> {
  if (last === undefined || path === undefined) return {};
  const fork = formatFork({ kind: "checkpoints", first: last.note, second: signed.note, path });
  return verifyFork(fork, vkeys).ok ? { fork } : {};
}
