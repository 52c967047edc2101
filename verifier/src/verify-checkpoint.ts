import { toBase64 } from "./bytes.ts";
import { type OpenedCheckpoint, openCheckpoint, originUnsigned } from "./checkpoint.ts";
import { verifierOf } from "./ed25519.ts";
import { verifyConsistency } from "./merkle-verify.ts";
import type { Verifier } from "./note.ts";
import { isWitnessed, parsePolicy } from "./policy.ts";
import { keyLabel, parseVerifierKey } from "./verifier-key.ts";
import { type Failure, failureInsteadOfThrow, VerifyError } from "./verify-error.ts";

/** What a log, and the witnesses among `keys`, said about itself. */
export type VerifiedCheckpoint = {
  ok: true;
  origin: string;
  size: number;
  /** Base64, as in the checkpoint. */
  root: string;
  /** `name+hash` of each given key that signed. */
  keys: string[];
};

/** A key that its reader trusts: `NAME+HASH+KEY`, or a verifier made elsewhere, such as `mlDsaVerifier`. */
export type TrustedKey = string | Verifier;

/**
 * Checks a signed checkpoint; never throws. A policy (c2sp.org/tlog-policy) brings logs and witnesses, and is not
 * satisfied without its quorum.
 */
export function verifyCheckpoint(
  note: string,
  vkeys: readonly TrustedKey[],
  policy?: string,
): VerifiedCheckpoint | Failure {
  return failureInsteadOfThrow(() => verifiedCheckpoint(openTrusted(note, vkeys, policy)));
}

/** A checkpoint that a log signed which is trusted by its key or by the policy, and that the policy's quorum cosigned. */
export function openTrusted(
  note: string,
  vkeys: readonly TrustedKey[],
  policyText: string | undefined,
): OpenedCheckpoint {
  if (policyText === undefined) return openCheckpoint(note, verifiersOf(vkeys));
  const policy = parsePolicy(policyText);
  const logs = [...vkeys, ...policy.logs.map(({ vkey }) => vkey)];
  const witnesses = policy.witnesses.map(({ vkey }) => vkey);
  const opened = openCheckpoint(note, verifiersOf([...logs, ...witnesses]));
  const trusted = new Set(
    logs.map((key) => keyLabel(typeof key === "string" ? parseVerifierKey(key) : key)),
  );
  const { origin } = opened.checkpoint;
  const signed = opened.verified.map((signature) => [signature.name, keyLabel(signature)] as const);
  // A witness that bears the log's name is not the log.
  if (!signed.some(([name, label]) => name === origin && trusted.has(label)))
    throw originUnsigned(origin);
  if (
    !isWitnessed(
      policy,
      signed.map(([, label]) => label),
    )
  ) {
    throw new VerifyError(
      "verify/quorum-missing",
      `The cosignatures do not satisfy the quorum ${policy.quorum} of the policy.`,
      "Ask for the receipt or checkpoint again once the witnesses have cosigned it.",
    );
  }
  return opened;
}

export type VerifiedGrowth = { ok: true; older: VerifiedCheckpoint; newer: VerifiedCheckpoint };

/** Checks that a log only appended between two of its signed checkpoints; never throws. */
export function verifyGrowth(
  { older, newer, proof }: { older: string; newer: string; proof: readonly Uint8Array[] },
  vkeys: readonly TrustedKey[],
): VerifiedGrowth | Failure {
  return failureInsteadOfThrow(() => {
    const verifiers = verifiersOf(vkeys);
    const before = openCheckpoint(older, verifiers);
    const after = openCheckpoint(newer, verifiers);
    if (before.checkpoint.origin !== after.checkpoint.origin) {
      throw new VerifyError(
        "verify/origin-different",
        `The checkpoints are of two logs: ${before.checkpoint.origin}, ${after.checkpoint.origin}.`,
        "Compare two checkpoints of the same log.",
      );
    }
    if (!verifyConsistency({ older: before.checkpoint, newer: after.checkpoint, proof })) {
      throw new VerifyError(
        "verify/consistency-wrong",
        `The proof does not show that ${after.checkpoint.size} entries begin with the first ${before.checkpoint.size}.`,
        "Ask for the proof again; if it stays so, the log was rewritten: keep both checkpoints as evidence.",
      );
    }
    return { ok: true, older: verifiedCheckpoint(before), newer: verifiedCheckpoint(after) };
  });
}

/** Verifiers of keys, each once. */
export function verifiersOf(vkeys: readonly TrustedKey[]): Verifier[] {
  if (vkeys.length === 0) {
    throw new VerifyError("verify/key-missing", "No key was given.", "Give the key of the log.");
  }
  return [...new Set(vkeys)].map((key) => (isVerifier(key) ? key : verifierOf(key)));
}

function isVerifier(key: TrustedKey): key is Verifier {
  return typeof key === "object" && key !== null;
}

export function verifiedCheckpoint({ checkpoint, verified }: OpenedCheckpoint): VerifiedCheckpoint {
  const { origin, size, root } = checkpoint;
  return { ok: true, origin, size, root: toBase64(root), keys: verified.map(keyLabel) };
}
