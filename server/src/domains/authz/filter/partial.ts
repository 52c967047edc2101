import { parseJson } from "#verifier";
import { type Compiled, compile, type Environment, type Slots } from "../engine/compile.ts";
import { type Expression, parted, partsOf, type Variable } from "../engine/est.ts";
import { Entities, type Entity, EntityRef, Failure, jsonOf, type Value } from "../engine/index.ts";
import { Unsupported } from "./unsupported.ts";

/**
 * What is left of an expression when some variables stand for anything of their type: its value, the certainty that it fails
 * whatever they are, or an operator over such parts.
 */
export type Part = Known | Failing | Open;

interface Known {
  readonly is: "known";
  readonly value: Value;
  readonly node: Expression;
}
interface Failing {
  readonly is: "failing";
  readonly node: Expression;
}
export interface Open {
  readonly is: "open";
  readonly operator: string;
  readonly operand: unknown;
  readonly parts: readonly Part[];
  readonly node: Expression;
}

/** What is known of a question, and what is not. */
export interface Facts {
  readonly environment: Environment;
  readonly open: ReadonlySet<Variable>;
}

/** Evaluates what does not depend on open variables, by the engine itself; errors and short cuts stay as Cedar has them. */
export class Reducer {
  readonly #facts: Facts;
  readonly #slots: Slots;

  constructor(facts: Facts, slots: Slots) {
    this.#facts = facts;
    this.#slots = slots;
  }

  of(node: Expression): Part {
    if (!this.#isOpen(node)) return this.#evaluated(node);
    const [operator, operand] = parted(node);
    if (operator === "&&" || operator === "||") return this.#shortCut(node, operator, operand);
    if (operator === "if-then-else") return this.#choice(node, operand);
    const parts = partsOf(node).map((part) => this.of(part));
    if (operator === "is") {
      const left = this.#typed(node, operand, parts);
      if (left !== null) return left;
    }
    // All other operators need each of their parts.
    // `a is T in g` needs `g` only where `a` is a `T`.
    const needed = operator === "is" ? parts.slice(0, 1) : parts;
    if (needed.some(({ is }) => is === "failing")) return { is: "failing", node };
    // Parts that do not depend on open variables after all: neither does the whole.
    if (operator !== "Var" && parts.every(({ is }) => is === "known")) return this.#evaluated(node);
    return { is: "open", operator, operand, parts, node };
  }

  /** `left && right`, of which neither need stand in a policy as it is. */
  and(left: Part, right: () => Part): Part {
    if (left.is === "failing") return left;
    if (left.is === "known") {
      if (left.value === true) return right();
      return left.value === false ? left : { is: "failing", node: left.node };
    }
    const second = right();
    const node: Expression = { "&&": { left: left.node, right: second.node } };
    if (second.is === "known" && second.value === true) return left;
    return { is: "open", operator: "&&", operand: null, parts: [left, second], node };
  }

  #shortCut(node: Expression, operator: "&&" | "||", operand: unknown): Part {
    const { left, right } = operand as { left: Expression; right: Expression };
    const first = this.of(left);
    if (first.is === "failing") return { is: "failing", node };
    if (first.is === "known") {
      if (typeof first.value !== "boolean") return { is: "failing", node };
      if (first.value === (operator === "||")) return first;
      return boolean(this.of(right), node);
    }
    return { is: "open", operator, operand, parts: [first, this.of(right)], node };
  }

  #choice(node: Expression, operand: unknown): Part {
    const { if: test, then, else: other } = operand as Record<"if" | "then" | "else", Expression>;
    const chosen = this.of(test);
    if (chosen.is === "failing") return { is: "failing", node };
    if (chosen.is === "known") {
      if (typeof chosen.value !== "boolean") return { is: "failing", node };
      return this.of(chosen.value ? then : other);
    }
    const [yes, no] = [this.of(then), this.of(other)];
    if (yes.is === "failing" && no.is === "failing") return { is: "failing", node };
    return { is: "open", operator: "if-then-else", operand, parts: [chosen, yes, no], node };
  }

  /** The type of an open variable is known; null when it is not one that is asked about. */
  #typed(node: Expression, operand: unknown, parts: readonly Part[]): Part | null {
    const { left, entity_type: type } = operand as { left: Expression; entity_type: string };
    if (!("Var" in left)) return null;
    const { environment } = this.#facts;
    const variable = environment[left.Var as Variable];
    if (!(variable instanceof EntityRef)) return { is: "failing", node };
    if (variable.type !== type) return { is: "known", value: false, node: { Value: false } };
    const [own, group] = parts;
    if (group === undefined) return { is: "known", value: true, node: { Value: true } };
    if (group.is === "failing") return { is: "failing", node };
    return { is: "open", operator: "in", operand, parts: [own!, group], node };
  }

  #evaluated(node: Expression): Part {
    const found = this.#compiled(node)(this.#facts.environment);
    if (found instanceof Failure) return { is: "failing", node };
    return { is: "known", value: found, node };
  }

  #compiled(node: Expression): Compiled {
    // Nodes of a template mean another thing in each of its links.
    if (Object.keys(this.#slots).length > 0) return compile(node, this.#slots);
    let found = compiled.get(node);
    if (found === undefined) {
      found = compile(node);
      compiled.set(node, found);
    }
    return found;
  }

  #isOpen(node: Expression): boolean {
    const { open } = this.#facts;
    const read = variablesOf(node);
    for (const variable of open) if (read.has(variable)) return true;
    return false;
  }
}

const compiled = new WeakMap<Expression, Compiled>();

/** What stands as an arm of `&&` or `||` must be a boolean. */
function boolean(part: Part, node: Expression): Part {
  if (part.is === "known" && typeof part.value !== "boolean") return { is: "failing", node };
  if (part.is !== "open" || BOOLEAN.has(part.operator)) return part;
  // `true && x` keeps the demand that x be one.
  const left: Part = { is: "known", value: true, node: { Value: true } };
  return { is: "open", operator: "&&", operand: null, parts: [left, part], node };
}

const BOOLEAN: ReadonlySet<string> = new Set(["&&", "||", "!", "==", "!=", "<", "<=", ">", ">="]);

const variables = new WeakMap<Expression, ReadonlySet<Variable>>();

/** Variables that an expression names, once for each that is ever asked about. */
function variablesOf(node: Expression): ReadonlySet<Variable> {
  let found = variables.get(node);
  if (found === undefined) {
    const [operator, operand] = parted(node);
    found =
      operator === "Var"
        ? new Set([operand as Variable])
        : new Set(partsOf(node).flatMap((part) => [...variablesOf(part)]));
    variables.set(node, found);
  }
  return found;
}

/** A part as an expression again. What fails stands as it was written. */
export function expressionOf(part: Part): Expression {
  if (part.is === "failing") return part.node;
  if (part.is === "known")
    // JSON has no integers beyond 2^53: they stay as they were computed.
    return typeof part.value === "bigint" ? part.node : { Value: jsonOf(part.value) };
  const { operator, operand, parts, node } = part;
  const [first, second, third] = parts.map(expressionOf);
  switch (operator) {
    case "Var":
      return node;
    case "if-then-else":
      return { "if-then-else": { if: first!, then: second!, else: third! } };
    case "Set":
      return { Set: parts.map(expressionOf) };
    case "Record":
      return {
        Record: Object.fromEntries(
          Object.keys(operand as object).map((name, i) => [name, expressionOf(parts[i]!)]),
        ),
      };
    case ".":
    case "has":
    case "like":
      return { [operator]: { ...(operand as object), left: first } };
    case "is":
      return {
        is: {
          ...(operand as { entity_type: string }),
          left: first!,
          ...(second && { in: second }),
        },
      };
  }
  if (Array.isArray(operand)) return { [operator]: parts.map(expressionOf) };
  if (second === undefined) return { [operator]: { arg: first! } };
  return { [operator]: { left: first!, right: second } };
}

/**
 * What was told of entities. Those of a type that stands in a table are not all told: to read one that was not would take for
 * absent what a decision about a row may know.
 */
export class ToldEntities extends Entities {
  readonly #inTables: ReadonlySet<string>;

  constructor(told: Iterable<Entity>, inTables: ReadonlySet<string>) {
    super(told);
    this.#inTables = inTables;
  }

  override get(ref: EntityRef): Entity | undefined {
    const found = super.get(ref);
    if (found === undefined && this.#inTables.has(ref.type)) throw notTold(ref.key);
    return found;
  }

  override isIn(ref: EntityRef, group: { readonly key: string }): boolean {
    if (ref.key === group.key || super.ancestors(ref).has(group.key)) return true;
    this.ancestors(ref);
    return false;
  }

  override ancestors(ref: EntityRef): ReadonlySet<string> {
    const found = super.ancestors(ref);
    for (const key of [ref.key, ...found]) {
      const one = refOfKey(key);
      if (this.#inTables.has(one.type) && super.get(one) === undefined) throw notTold(key);
    }
    return found;
  }
}

/** The way back from `EntityRef.key`: quotes stand in no type. */
export function refOfKey(key: string): EntityRef {
  const end = key.indexOf('::"');
  return new EntityRef(key.slice(0, end), parseJson(key.slice(end + 2)) as string);
}

const notTold = (key: string) =>
  new Unsupported("entity_not_told", `${key} may stand in a table, and was not told`);
