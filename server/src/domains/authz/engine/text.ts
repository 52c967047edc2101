import {
  type ActionScope,
  BINARY,
  type EntityUid,
  type Expression,
  type PatternPart,
  parted,
  type Scope,
  type ValueJson,
} from "./est.ts";
import { CONSTRUCTORS } from "./extension/index.ts";

const METHODS: readonly string[] = ["contains", "containsAll", "containsAny", "getTag", "hasTag"];
const INFIX: readonly string[] = BINARY.filter((operator) => !METHODS.includes(operator));

const CLAUSE_MAX = 300;

/** Which entities may be named; of the others only their type is told. */
export type Shows = (uid: EntityUid) => boolean;

const every: Shows = () => true;

/** An expression as one reads it: `context.amount_cents <= 100000`; a long one is cut, never within a character. */
export function clauseText(node: Expression, shows: Shows = every): string {
  const text = textOf(node, shows);
  if (text.length <= CLAUSE_MAX) return text;
  return `${text.slice(0, CLAUSE_MAX - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

function textOf(node: Expression, shows: Shows): string {
  const [operator, operand] = parted(node) as [string, any]; // oxlint-disable-line typescript/no-explicit-any -- the operator says which
  if (INFIX.includes(operator))
    return `${inner(operand.left, shows)} ${operator} ${inner(operand.right, shows)}`;
  if (METHODS.includes(operator))
    return `${tight(operand.left, shows)}.${operator}(${textOf(operand.right, shows)})`;
  switch (operator) {
    case "Value":
      return valueText(operand, shows);
    case "Var":
    case "Slot":
      return operand;
    case "Set":
      return `[${operand.map((part: Expression) => textOf(part, shows)).join(", ")}]`;
    case "Record":
      return `{${Object.entries(operand as Record<string, Expression>)
        .map(([name, field]) => `${nameText(name)}: ${textOf(field, shows)}`)
        .join(", ")}}`;
    case ".":
      return isName(operand.attr)
        ? `${tight(operand.left, shows)}.${operand.attr}`
        : `${tight(operand.left, shows)}[${quoted(operand.attr)}]`;
    case "has":
      return `${inner(operand.left, shows)} has ${
        typeof operand.attr === "string" ? nameText(operand.attr) : operand.attr.join(".")
      }`;
    case "!":
      return `!${tight(operand.arg, shows)}`;
    case "neg":
      return `-${isNumber(operand.arg) ? `(${textOf(operand.arg, shows)})` : tight(operand.arg, shows)}`;
    case "isEmpty":
      return `${tight(operand.arg, shows)}.isEmpty()`;
    case "like":
      return `${inner(operand.left, shows)} like ${patternText(operand.pattern)}`;
    case "is":
      return `${inner(operand.left, shows)} is ${operand.entity_type}${operand.in === undefined ? "" : ` in ${inner(operand.in, shows)}`}`;
    case "if-then-else":
      return `if ${textOf(operand.if, shows)} then ${textOf(operand.then, shows)} else ${textOf(operand.else, shows)}`;
  }
  const values = (operand as Expression[]).map((part) => textOf(part, shows));
  if (CONSTRUCTORS.has(operator)) return `${operator}(${values.join(", ")})`;
  return `${tight(operand[0], shows)}.${operator}(${values.slice(1).join(", ")})`;
}

const NAME = /^[A-Za-z_]\w*$/;
/** Words that are no names, by Cedar's grammar: docs.cedarpolicy.com/policies/syntax-grammar.html. */
const RESERVED: readonly string[] = "true false if then else in is like has __cedar".split(" ");
const isName = (name: string): boolean => NAME.test(name) && !RESERVED.includes(name);
const nameText = (name: string): string => (isName(name) ? name : quoted(name));

const ESCAPES: Readonly<Record<string, string>> = {
  '"': String.raw`\"`,
  "\\": String.raw`\\`,
  "\n": String.raw`\n`,
  "\r": String.raw`\r`,
  "\t": String.raw`\t`,
  "\0": String.raw`\0`,
};

/** A text as Cedar writes it: what does not show is escaped, otherwise than in JSON. */
const quoted = (text: string): string =>
  `"${text.replace(
    /["\\\p{Cc}\ud800-\udfff]/gu,
    (found) => ESCAPES[found] ?? `\\u{${found.codePointAt(0)!.toString(16)}}`,
  )}"`;

function valueText(json: ValueJson, shows: Shows): string {
  if (typeof json !== "object") return typeof json === "string" ? quoted(json) : String(json);
  if (Array.isArray(json))
    return `[${json.map((one: ValueJson) => valueText(one, shows)).join(", ")}]`;
  if ("__entity" in json) return uidText(json.__entity as EntityUid, shows);
  if ("__extn" in json) {
    const { fn, arg } = json.__extn as { fn: string; arg: ValueJson };
    return `${fn}(${valueText(arg, shows)})`;
  }
  const fields = Object.entries(json as Record<string, ValueJson>);
  return `{${fields.map(([name, field]) => `${nameText(name)}: ${valueText(field, shows)}`).join(", ")}}`;
}

const patternText = (pattern: readonly PatternPart[]): string =>
  `"${pattern
    .map((part) =>
      part === "Wildcard" ? "*" : quoted(part.Literal).slice(1, -1).replaceAll("*", String.raw`\*`),
    )
    .join("")}"`;

const uidText = (uid: EntityUid, shows: Shows): string =>
  `${uid.type}::${shows(uid) ? quoted(uid.id) : '"…"'}`;

/** Operators of their own stand in brackets within others. */
const inner = (node: Expression, shows: Shows): string => {
  const [operator] = parted(node);
  const open = INFIX.includes(operator) || ["has", "like", "is", "if-then-else"].includes(operator);
  return open ? `(${textOf(node, shows)})` : textOf(node, shows);
};

const isNumber = (node: Expression): boolean => "Value" in node && typeof node.Value === "number";

/** What is called, looked into or negated: signs before it stand in brackets, too. */
const tight = (node: Expression, shows: Shows): string => {
  const [operator, operand] = parted(node);
  const signed = operator === "!" || operator === "neg" || (isNumber(node) && Number(operand) < 0);
  return signed ? `(${textOf(node, shows)})` : inner(node, shows);
};

/** A scope as one reads it: `principal in Group::"admins"`. */
export function scopeText(
  variable: "principal" | "action" | "resource",
  scope: Scope | ActionScope,
  slots: { readonly [slot: string]: EntityUid | undefined } = {},
  shows: Shows = every,
): string {
  const named = ({
    entity,
    slot,
  }: {
    entity?: EntityUid | undefined;
    slot?: string | undefined;
  }) => {
    const found = entity ?? slots[slot!];
    return found === undefined ? slot! : uidText(found, shows);
  };
  if (scope.op === "All") return variable;
  if (scope.op === "is") {
    const group = scope.in === undefined ? "" : ` in ${named(scope.in)}`;
    return `${variable} is ${scope.entity_type}${group}`;
  }
  if ("entities" in scope)
    return `${variable} in [${scope.entities.map((uid) => uidText(uid, shows)).join(", ")}]`;
  return `${variable} ${scope.op} ${named(scope)}`;
}
