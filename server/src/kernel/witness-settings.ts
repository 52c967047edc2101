/** Whether, and how, checkpoints go to witnesses. */
export interface WitnessSettings {
  /** File in the form of c2sp.org/tlog-policy. */
  readonly policyFile: string;
  /**
   * `quorum`: a checkpoint is published once the policy's quorum has cosigned it. `none`: it is published when it is signed, and
   * cosignatures come after. Without it the quorum is waited for where the policy has one.
   */
  readonly wait: "quorum" | "none" | undefined;
  /** How long one witness may take to answer. */
  readonly timeout_ms: number;
}

/** Undefined where no policy is named. */
export function readWitness(
  env: NodeJS.ProcessEnv,
  oneOf: (name: string, text: string, values: readonly string[]) => string,
  milliseconds: (name: string, text: string) => number,
): WitnessSettings | undefined {
  const policyFile = env["SEALBASE_WITNESS_POLICY"];
  if (policyFile === undefined || policyFile === "") return undefined;
  const wait = env["SEALBASE_WITNESS_WAIT"];
  const timeout_ms = env["SEALBASE_WITNESS_TIMEOUT_MS"] ?? "5000";
  return {
    policyFile,
    wait:
      wait === undefined
        ? undefined
        : (oneOf("SEALBASE_WITNESS_WAIT", wait, ["quorum", "none"]) as "quorum" | "none"),
    timeout_ms: milliseconds("SEALBASE_WITNESS_TIMEOUT_MS", timeout_ms),
  };
}
