import type { Environment } from "./compile.ts";
import { type Expression, parted, partsOf, type Variable } from "./est.ts";
import { type CedarRecord, EntityRef, type Value } from "./value.ts";

/** A variable and the names that lead from it to a value. */
export interface Path {
  readonly names: readonly [Variable, ...string[]];
  /** As it is recorded: `context.type`. */
  readonly text: string;
}

/** Paths that an expression reads, sorted by their texts; of two with one text the shorter is last. */
export function pathsOf(node: Expression): Path[] {
  const paths = new Map<string, Path>();
  const visit = (part: Expression): void => {
    const names = namesOf(part);
    if (names === undefined) partsOf(part).forEach(visit);
    else if (names.length > 1 || names[0] !== "context")
      paths.set(JSON.stringify(names), { names, text: names.join(".") });
  };
  visit(node);
  return [...paths.values()].sort((a, b) =>
    a.text === b.text ? b.names.length - a.names.length : a.text < b.text ? -1 : 1,
  );
}

function namesOf(part: Expression): Path["names"] | undefined {
  const [operator, operand] = parted(part);
  if (operator === "Var") return [operand as Variable];
  if (operator !== "." && operator !== "has") return undefined;
  const { left, attr } = operand as { left: Expression; attr: string | readonly string[] };
  const owner = namesOf(left);
  return owner === undefined
    ? undefined
    : [...owner, ...(typeof attr === "string" ? [attr] : attr)];
}

/**
 * Whether an expression reads entities by paths alone: nothing of an entity that is computed, no tags, and no hierarchy but
 * that of the variables themselves.
 */
export function isPlain(node: Expression): boolean {
  if (namesOf(node) !== undefined) return true;
  const [operator] = parted(node);
  if (UNPLAIN.includes(operator)) return false;
  return partsOf(node).every(isPlain);
}

const UNPLAIN: readonly string[] = [".", "has", "getTag", "hasTag", "in", "is"];

/** What a path leads to, through records and the attributes of entities; undefined when it leads nowhere. */
export function valueAt(
  { names: [variable, ...attributes] }: Path,
  environment: Pick<Environment, Variable | "entities">,
): Value | undefined {
  let value: Value | undefined = environment[variable];
  for (const name of attributes) {
    const fields: Value | CedarRecord | undefined =
      value instanceof EntityRef ? environment.entities.get(value)?.attrs : value;
    value = fields instanceof Map ? fields.get(name) : undefined;
    if (value === undefined) return undefined;
  }
  return value;
}
