import { openFork, type ProvenFork } from "./fork.ts";
import { parsePolicy } from "./policy.ts";
import { type TrustedKey, verifiersOf } from "./verify-checkpoint.ts";
import { type Failure, failureInsteadOfThrow } from "./verify-error.ts";

/** The holder of the log's key signed two histories. */
export type VerifiedFork = { ok: true } & ProvenFork;

/** Checks evidence that a log forked, against the log's keys, given or in a policy; never throws. */
export function verifyFork(
  text: string,
  vkeys: readonly TrustedKey[],
  policy?: string,
): VerifiedFork | Failure {
  return failureInsteadOfThrow(() => {
    const logs = policy === undefined ? [] : parsePolicy(policy).logs.map(({ vkey }) => vkey);
    return { ok: true, ...openFork(text, verifiersOf([...vkeys, ...logs])) };
  });
}
