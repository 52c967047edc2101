import { EntityRef, type Expression, type Value } from "../engine/index.ts";
import type { PlainType } from "../engine/schema.ts";
import { CedarSet } from "../engine/value.ts";
import type { Param } from "./fragment.ts";
import { nameOf } from "./mapping.ts";
import type { Part } from "./partial.ts";
import { Unsupported } from "./unsupported.ts";

/** Whether a set has members that no column like this could hold. */
export const lost = (set: Value, { value }: Param): boolean =>
  (set as CedarSet).members.length !== value.length;

export const isResource = (part: Part): boolean =>
  part.is === "open" && part.operator === "Var" && part.operand === "resource";

/** Optional attributes that are there wherever a part is true. */
export function presentIn(part: Part): readonly string[] {
  if (part.is !== "open") return [];
  if (part.operator === "&&") return part.parts.flatMap(presentIn);
  if (part.operator !== "has" || !isResource(part.parts[0]!)) return [];
  const { attr } = part.operand as { attr: string | readonly string[] };
  return typeof attr === "string" ? [attr] : attr.slice(0, 1);
}

export function targetsOf(value: Value, node: Expression): EntityRef[] {
  const targets = value instanceof CedarSet ? value.members : [value];
  return targets.map((target) => {
    if (!(target instanceof EntityRef)) throw mistyped(node, null);
    return target;
  });
}

export const unsupported = ({ operator: name, node }: { operator?: string; node: Expression }) =>
  new Unsupported(
    "operator",
    `${name ?? "this"} of what only the row knows has no exact SQL`,
    node,
  );

export const otherEntity = (node: Expression) =>
  new Unsupported("other_entity", "it reads another entity than the resource itself", node);

export const mistyped = (node: Expression, wanted: PlainType | null) =>
  new Unsupported(
    "type",
    wanted === null ? "its parts do not fit each other" : `it is no ${nameOf(wanted)}`,
    node,
  );
