import { createHash } from "node:crypto";
import type { Question } from "#pipeline";
import { canonicalJson, canonicalJsonString as text } from "#verifier";
import type { Step } from "./evaluate.ts";

const sha256 = (canonical: string): string => createHash("sha256").update(canonical).digest("hex");

/**
 * What a decision knew about principal and action, as it is kept by content hash. The resource is known by its name
 * alone, which stands in the decision itself.
 */
export function sliceOf({ principal, action }: Question): { text: string; hash: string } {
  const slice = canonicalJson({
    principal: { type: principal.type, id: principal.id, groups: [...principal.groups].sort() },
    action: { id: action.id, groups: [...action.groups].sort() },
  });
  return { text: slice, hash: sha256(slice) };
}

/** Everything that a verdict follows from, and the verdict, in the texts in which it is stored. */
export interface Trace {
  /** `TYPE:ID` */
  readonly principal: string;
  readonly action: string;
  readonly resource: { readonly type: string; readonly id: string };
  /** RFC 8785. */
  readonly context: string;
  readonly sliceHash: string;
  readonly versionHash: string | null;
  readonly engine: { readonly name: string; readonly version: string };
  readonly outcome: string;
  readonly reasons: readonly string[];
  readonly errors: readonly string[];
  /** RFC 8785 of each step, as `stepText` gives it. */
  readonly steps: readonly string[];
}

/**
 * SHA-256 of a trace as canonical JSON: equal hashes mean an equal decision. Keys stand in canonical order and the parts are canonical
 * already, so that whoever has the stored texts recomputes it without reading them.
 */
export function traceHash(trace: Trace): string {
  const { resource, engine, versionHash } = trace;
  return sha256(
    `{"decision":${text(trace.outcome)},"engine":{"name":${text(engine.name)},"version":${text(engine.version)}}` +
      `,"entity_slice_hash":${text(trace.sliceHash)},"errors":${texts(trace.errors)}` +
      `,"policy_version_hash":${versionHash === null ? "null" : text(versionHash)},"reasons":${texts(trace.reasons)}` +
      `,"request":{"action":${text(trace.action)},"context":${trace.context},"principal":${text(trace.principal)}` +
      `,"resource":{"id":${text(resource.id)},"type":${text(resource.type)}}},"schema_hash":null` +
      `,"steps":[${trace.steps.join(",")}]}`,
  );
}

/** A step as canonical JSON, from the columns in which it is stored. */
export const stepText = (
  step: Omit<Step, "conditions"> & { readonly conditions: string },
): string =>
  `{"conditions":${step.conditions},"effect":${text(step.effect)},"outcome":${text(step.outcome)}` +
  `,"policy_id":${text(step.policy_id)},"principal":${step.principal},"resource":${step.resource}}`;

const texts = (list: readonly string[]): string => `[${list.map(text).join(",")}]`;
