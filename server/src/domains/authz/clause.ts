import type { Policy } from "./document.ts";
import { COMPARISONS, type Expression, keyOf, LOGIC, partsOf } from "./expression.ts";

const INFIX: readonly string[] = [...COMPARISONS, ...LOGIC, "in"];

const CLAUSE_MAX = 300;

/** An expression as one reads it: `context.amount_cents <= 100000`; a long one is cut, never within a character. */
export function clauseText(node: Expression): string {
  const text = textOf(node);
  if (text.length <= CLAUSE_MAX) return text;
  return `${text.slice(0, CLAUSE_MAX - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

function textOf(node: Expression): string {
  const [operator, operand] = Object.entries(node)[0] as [string, any]; // oxlint-disable-line typescript/no-explicit-any -- the operator says which
  if (INFIX.includes(operator)) return `${inner(operand.left)} ${operator} ${inner(operand.right)}`;
  switch (operator) {
    case "Value":
      return typeof operand === "object" ? keyOf(operand.__entity) : JSON.stringify(operand);
    case "Var":
      return operand;
    case "Set":
      return `[${operand.map(textOf).join(", ")}]`;
    case ".":
      return `${inner(operand.left)}.${operand.attr}`;
    case "has":
      return `${inner(operand.left)} has ${operand.attr}`;
    case "!":
      return `!${inner(operand.arg)}`;
    case "is":
      return `${inner(operand.left)} is ${operand.entity_type}`;
    default:
      return `${inner(operand.left)}.contains(${textOf(operand.right)})`;
  }
}

const inner = (node: Expression): string =>
  LOGIC.some((op) => op in node) ? `(${textOf(node)})` : textOf(node);

/** A variable and the names that lead from it to a value. */
export interface Path {
  readonly names: readonly [Variable, ...string[]];
  /** As it is recorded: `context.type`. */
  readonly text: string;
}

type Variable = "principal" | "action" | "resource" | "context";

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
  if ("Var" in part) return [part.Var];
  const attribute = "." in part ? part["."] : "has" in part ? part.has : undefined;
  const owner = attribute === undefined ? undefined : namesOf(attribute.left);
  return owner === undefined ? undefined : [...owner, attribute!.attr];
}

/** A scope as one reads it: `principal in Group::"admins"`. */
export function scopeText(
  variable: "principal" | "action" | "resource",
  scope: Policy["principal" | "action" | "resource"],
): string {
  if (scope.op === "All") return variable;
  if (scope.op === "is") return `${variable} is ${scope.entity_type}`;
  if ("entities" in scope) return `${variable} in [${scope.entities.map(keyOf).join(", ")}]`;
  return `${variable} ${scope.op} ${keyOf(scope.entity)}`;
}
