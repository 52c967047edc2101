import { canonicalJson, V1_VERDICTS, type V1Verdict } from "#verifier";
import { vaultInvalid } from "./refusals.ts";

const AUTHORITY_MAX = 200;

export interface Wanted {
  readonly verdict: V1Verdict;
  readonly authority: string;
  /** JSON of what is sealed: the payload as it came, and the target. */
  readonly sealData: string;
}

/** What a seal's payload asks for: a verdict and an authority, if it names them, and everything in it as data. */
export function readPayload(payload: Readonly<Record<string, unknown>>, target: string): Wanted {
  const { verdict = "SEAL", authority = "system" } = payload;
  if (!isVerdict(verdict)) throw vaultInvalid(`verdict must be one of ${V1_VERDICTS.join(", ")}`);
  if (typeof authority !== "string" || authority === "" || authority.length > AUTHORITY_MAX)
    throw vaultInvalid(`authority must be a text of 1 to ${AUTHORITY_MAX} characters`);
  return { verdict, authority, sealData: canonicalJson({ ...payload, target }) };
}

const isVerdict = (value: unknown): value is V1Verdict =>
  (V1_VERDICTS as readonly unknown[]).includes(value);
