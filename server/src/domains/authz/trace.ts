import { hash } from "node:crypto";
import { canonicalJson, canonicalJsonString as text } from "#verifier";
import {
  type Clause,
  Failure,
  jsonOf,
  type Path,
  type Request,
  type Step,
  valueAt,
} from "./engine/index.ts";

const sha256 = (canonical: string): string => hash("sha256", canonical);

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
  readonly schemaHash: string | null;
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
  const { resource, engine, versionHash, schemaHash } = trace;
  return sha256(
    `{"decision":${text(trace.outcome)},"engine":{"name":${text(engine.name)},"version":${text(engine.version)}}` +
      `,"entity_slice_hash":${text(trace.sliceHash)},"errors":${texts(trace.errors)}` +
      `,"policy_version_hash":${versionHash === null ? "null" : text(versionHash)},"reasons":${texts(trace.reasons)}` +
      `,"request":{"action":${text(trace.action)},"context":${trace.context},"principal":${text(trace.principal)}` +
      `,"resource":{"id":${text(resource.id)},"type":${text(resource.type)}}},"schema_hash":${schemaHash === null ? "null" : text(schemaHash)}` +
      `,"steps":[${trace.steps.join(",")}]}`,
  );
}

/** How one policy was weighed, in the form in which it is stored. */
export interface StoredStep {
  readonly policy_id: string;
  readonly effect: "permit" | "forbid";
  readonly outcome: Step["outcome"];
  readonly principal: boolean;
  readonly resource: boolean;
  /**
   * Canonical JSON: of each clause its text, whether it holds, and the paths that it reads, each with SHA-256 of its value's
   * canonical JSON, null where there is none. The values stand in context and slice, once.
   */
  readonly conditions: string;
}

/** The steps of a trace, as they are stored. */
export function storedSteps(steps: readonly Step[], request: Request): StoredStep[] {
  const read = readerOf(request);
  return steps.map(({ policy, outcome, principal, resource, clauses }) => ({
    policy_id: policy.id,
    effect: policy.effect,
    outcome,
    principal,
    resource,
    conditions: `[${clauses.map((held, i) => clauseText(policy.clauses[i]!, held, read)).join(",")}]`,
  }));
}

function clauseText(
  { kind, text: clause, paths }: Clause,
  held: boolean | Failure,
  read: Reader,
): string {
  const failed = held instanceof Failure;
  const error = failed ? `,"error":${text(held.message)}` : "";
  return (
    `{"clause":${text(clause)}${error},"holds":${failed ? '"error"' : held},"kind":"${kind}"` +
    `,"reads":{${readsText(paths, read)}}}`
  );
}

/** Of two paths with one text (a name may have dots) the last is kept. */
function readsText(paths: readonly Path[], read: Reader): string {
  const last = paths.filter((path, i) => path.text !== paths[i + 1]?.text);
  return last.map((path) => `${text(path.text)}:${read(path)}`).join(",");
}

type Reader = (path: Path) => string;

/** Hashes what paths lead to, each once a question: many clauses read the same long list. */
function readerOf(request: Request): Reader {
  const hashes = new Map<string, string>();
  return (path) => {
    const key = JSON.stringify(path.names);
    let hash = hashes.get(key);
    if (hash === undefined) {
      const value = valueAt(path, request);
      hash = value === undefined ? "null" : `"${sha256(canonicalJson(jsonOf(value)))}"`;
      hashes.set(key, hash);
    }
    return hash;
  };
}

/** A step as canonical JSON, from the columns in which it is stored. */
export const stepText = (step: StoredStep): string =>
  `{"conditions":${step.conditions},"effect":${text(step.effect)},"outcome":${text(step.outcome)}` +
  `,"policy_id":${text(step.policy_id)},"principal":${step.principal},"resource":${step.resource}}`;

const texts = (list: readonly string[]): string => `[${list.map(text).join(",")}]`;
