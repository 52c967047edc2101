import { createHash } from "node:crypto";
import type { Question } from "#pipeline";
import { canonicalJson } from "#verifier";
import { ENGINE, type Verdict } from "./evaluate.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/**
 * What a decision knew about principal and action, as it is kept by content hash. The resource is known by its name
 * alone, which stands in the decision itself.
 */
export function sliceOf({ principal, action }: Question): { text: string; hash: string } {
  const text = canonicalJson({
    principal: { type: principal.type, id: principal.id, groups: [...principal.groups].sort() },
    action: { id: action.id, groups: [...action.groups].sort() },
  });
  return { text, hash: sha256(text) };
}

/** SHA-256 of everything that the verdict follows from, and of the verdict: equal hashes mean an equal decision. */
export function traceHash(
  question: Question,
  verdict: Verdict,
  sliceHash: string,
  versionHash: string | null,
): string {
  const { principal, action, resource, context } = question;
  return sha256(
    canonicalJson({
      request: {
        principal: `${principal.type}:${principal.id}`,
        action: action.id,
        resource: { type: resource.type, id: resource.id },
        context,
      },
      entity_slice_hash: sliceHash,
      policy_version_hash: versionHash,
      schema_hash: null,
      engine: ENGINE,
      decision: verdict.outcome,
      reasons: verdict.reasons,
      errors: verdict.errors,
      steps: verdict.steps,
    }),
  );
}
