import { createHash } from "node:crypto";
import { canonicalJson } from "#verifier";
import type {
  Decision,
  EntityUid,
  Policy,
  PolicySet,
  PolicySetJson,
  Request,
} from "../engine/index.ts";

/** A policy that is not the same in two versions. */
export interface Change {
  readonly id: string;
  readonly change: "added" | "removed" | "changed";
  /** SHA-256 of what it says, hex; null where it is not. */
  readonly before: string | null;
  readonly after: string | null;
}

/** What changed from one version to another, policy by policy, by what they say: sorted by id. */
export function changesOf(before: PolicySetJson, after: PolicySetJson): Change[] {
  const [old, now] = [hashesOf(before), hashesOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((id): Change[] => {
    const [was, is] = [old.get(id) ?? null, now.get(id) ?? null];
    if (was === is) return [];
    const change = was === null ? "added" : is === null ? "removed" : "changed";
    return [{ id, change, before: was, after: is }];
  });
}

/** Static policies, and templates as each of their links fills them. */
function hashesOf({
  staticPolicies,
  templates = {},
  templateLinks = [],
}: PolicySetJson): Map<string, string> {
  const hash = (policy: Policy, values: object = {}) =>
    createHash("sha256")
      .update(canonicalJson({ policy: said(policy), values }))
      .digest("hex");
  return new Map([
    ...Object.entries(staticPolicies).map(([id, policy]) => [id, hash(policy)] as const),
    ...templateLinks.map(
      ({ newId, templateId, values }) => [newId, hash(templates[templateId]!, values)] as const,
    ),
  ]);
}

/** Without what may be written in two ways: an id of its own, the order of actions, no annotations. */
function said({ annotations = {}, action, ...policy }: Policy): object {
  const { id: _, ...others } = annotations;
  const keyOf = ({ type, id }: EntityUid) => JSON.stringify([type, id]);
  const entities = "entities" in action ? action.entities.map(keyOf).sort() : null;
  return { ...policy, annotations: others, action: entities === null ? action : { entities } };
}

/** One question, decided otherwise by the other version. */
export interface Differing {
  /** Its place among those that were asked. */
  readonly place: number;
  readonly before: Decision;
  readonly after: Decision;
}

/** Questions whose outcome or reasons differ. They may come from a caller, from records or from a generator. */
export function* differing(
  before: PolicySet,
  after: PolicySet,
  asked: Iterable<{ readonly before: Request; readonly after: Request }>,
): Generator<Differing> {
  let place = 0;
  for (const request of asked) {
    const [was, is] = [before.decide(request.before), after.decide(request.after)];
    if (canonicalJson(was) !== canonicalJson(is)) yield { place, before: was, after: is };
    place++;
  }
}
