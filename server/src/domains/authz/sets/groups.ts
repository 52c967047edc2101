import type { Diagnostic } from "../cedar/diagnostics.ts";
import { plain, positionOf } from "../cedar/diagnostics.ts";
import type { EntityUid, PolicySetJson, ValueJson } from "../engine/index.ts";
import { clausesOf, type Filled, filledOf, namedIn } from "../literals.ts";
import type { Read } from "./versions.ts";

const NAMED_MAX = 10;

/**
 * Warnings about groups that policies name and nobody of the project is in: most often a letter is missing. Not an error, as
 * somebody may come into the group later.
 * @param read that was found valid
 * @param known names of groups that somebody is in
 */
export function emptyGroups(read: Read, known: readonly string[]): Diagnostic[] {
  const { document, source } = read;
  const inUse = new Set(known);
  const found = [...filledOf(document as PolicySetJson)].flatMap(([id, filled]) => {
    const empty = groupsOf(filled).filter((group) => !inUse.has(group));
    const statement = source?.places.get(id);
    const place = statement && positionOf(source!.text, statement.start);
    return [...new Set(empty)].map((group) => ({
      ...plain(`nobody of this project is in the group ${JSON.stringify(group)}`, id, help(known)),
      ...place,
      severity: "warning" as const,
    }));
  });
  return found.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

const help = (known: readonly string[]): string =>
  known.length === 0
    ? "No account has a group yet."
    : `Groups that somebody is in: ${known.slice(0, NAMED_MAX).join(", ")}${known.length > NAMED_MAX ? ", …" : ""}.`;

function groupsOf(filled: Filled): string[] {
  const { policy, slots } = filled;
  const named = [...namedIn(policy.principal, slots), ...namedIn(policy.resource, slots)];
  const constants = clausesOf(filled).flatMap((clause) => clause.constants);
  return [...named, ...constants.flatMap(entitiesIn)]
    .filter(({ type }) => type === "Group")
    .map(({ id }) => id);
}

function entitiesIn(value: ValueJson): EntityUid[] {
  if (Array.isArray(value)) return (value as readonly ValueJson[]).flatMap(entitiesIn);
  if (typeof value !== "object" || !("__entity" in value)) return [];
  return [value.__entity as EntityUid];
}
