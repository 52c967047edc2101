import { COMPARISONS, type Expression, LOGIC, type Policy } from "./document.ts";
import { keyOf } from "./expression.ts";

const INFIX: readonly string[] = [...COMPARISONS, ...LOGIC, "in"];

/** An expression as one reads it: `context.amount_cents <= 100000`. */
export function clauseText(node: Expression): string {
  const [operator, operand] = Object.entries(node)[0] as [string, any]; // oxlint-disable-line typescript/no-explicit-any -- the operator says which
  if (INFIX.includes(operator)) return `${inner(operand.left)} ${operator} ${inner(operand.right)}`;
  switch (operator) {
    case "Value":
      return typeof operand === "object" ? keyOf(operand.__entity) : JSON.stringify(operand);
    case "Var":
      return operand;
    case "Set":
      return `[${operand.map(clauseText).join(", ")}]`;
    case ".":
      return `${inner(operand.left)}.${operand.attr}`;
    case "has":
      return `${inner(operand.left)} has ${operand.attr}`;
    case "!":
      return `!${inner(operand.arg)}`;
    case "is":
      return `${inner(operand.left)} is ${operand.entity_type}`;
    default:
      return `${inner(operand.left)}.contains(${clauseText(operand.right)})`;
  }
}

const inner = (node: Expression): string =>
  LOGIC.some((op) => op in node) ? `(${clauseText(node)})` : clauseText(node);

/** Attribute paths that an expression reads, such as `context.type`, sorted. */
export function pathsOf(node: Expression): string[] {
  const paths = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part !== "object" || part === null) return;
    const path = pathOf(part);
    if (path !== undefined) paths.add(path);
    else Object.values(part).forEach(visit);
  };
  visit(node);
  return [...paths].sort();
}

function pathOf(part: object): string | undefined {
  if ("Var" in part) return part.Var === "context" ? undefined : String(part.Var);
  const attribute = ("." in part ? part["."] : "has" in part ? part.has : undefined) as
    | { left: object; attr: string }
    | undefined;
  if (attribute === undefined) return undefined;
  const owner = "Var" in attribute.left ? String(attribute.left.Var) : pathOf(attribute.left);
  return owner === undefined ? undefined : `${owner}.${attribute.attr}`;
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
