import { readFileSync } from "node:fs";
import type { WitnessSettings } from "#kernel/witness-settings.ts";
import {
  isWitnessed,
  keyLabel,
  type Policy,
  parsePolicy,
  type Verifier,
  VerifyError,
  verifierOf,
} from "#verifier";
import { badWitnessPolicy } from "../refusals.ts";

/** A witness that can be asked. */
export interface KnownWitness {
  /** As the policy names it. */
  readonly name: string;
  /** `name+hash` of its key. */
  readonly key: string;
  readonly verifier: Verifier;
  readonly url: URL;
}

export interface WitnessPolicy {
  readonly witnesses: readonly KnownWitness[];
  /** Readers are shown a checkpoint once it has its quorum. */
  readonly waits: boolean;
  readonly timeout_ms: number;
  /** Whether cosignatures of these keys are enough. */
  isEnough(keys: Iterable<string>): boolean;
}

/** Reads the policy's file. A quorum that nobody can be asked for is refused at once, not waited for for ever. */
export function openWitnessPolicy({
  policyFile,
  wait,
  timeout_ms,
}: WitnessSettings): WitnessPolicy {
  const policy = readPolicy(policyFile);
  const witnesses = policy.witnesses.flatMap(({ name, key, url }) =>
    url === undefined
      ? []
      : [{ name, key: keyLabel(key), verifier: verifierOf(key), url: addressOf(policyFile, url) }],
  );
  const isEnough = (keys: Iterable<string>) => isWitnessed(policy, keys);
  if (!isEnough(witnesses.map(({ key }) => key)))
    throw badWitnessPolicy(policyFile, "its quorum needs witnesses that have no URL");
  const hasQuorum = policy.quorum !== undefined;
  if (wait === "quorum" && !hasQuorum)
    throw badWitnessPolicy(policyFile, "it has no quorum to wait for");
  return { witnesses, waits: hasQuorum && wait !== "none", timeout_ms, isEnough };
}

function readPolicy(file: string): Policy {
  try {
    return parsePolicy(readFileSync(file, "utf8"));
  } catch (error) {
    if (error instanceof VerifyError) throw badWitnessPolicy(file, error.message);
    const { code } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : badWitnessPolicy(file, code);
  }
}

/** Where `add-checkpoint` is, below the witness's submission prefix. */
function addressOf(file: string, prefix: string): URL {
  const url = URL.canParse(prefix) ? new URL(prefix) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search + url.hash !== "")
    throw badWitnessPolicy(file, `${prefix} is no URL of a witness`);
  return new URL("add-checkpoint", url.href.endsWith("/") ? url : `${url.href}/`);
}
