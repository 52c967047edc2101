import type { Entities } from "./entities.ts";
import {
  type Binary,
  type EntityUid,
  type Expression,
  type PatternPart,
  parted,
  partsOf,
  type Slot,
  type Unary,
  type ValueJson,
  type Variable,
} from "./est.ts";
import { call, comparable, FUNCTIONS } from "./extension/index.ts";
import { Malformed, valueOf } from "./from-json.ts";
import { matcher } from "./like.ts";
import { add, isLong, type Long, multiply, negate, subtract } from "./long.ts";
import {
  type Budget,
  type CedarRecord,
  CedarSet,
  EntityRef,
  Failure,
  isExtension,
  kindOf,
  type Result,
  refOf,
  same,
  type Value,
} from "./value.ts";

/** What a condition is evaluated against. */
export interface Environment {
  readonly principal: EntityRef;
  readonly action: EntityRef;
  readonly resource: EntityRef;
  readonly context: CedarRecord;
  readonly entities: Entities;
  readonly budget: Budget;
}

export type Compiled = (environment: Environment) => Result;

/** What the slots of a template stand for; of a policy without slots, nothing. */
export type Slots = { readonly [slot in Slot]?: EntityUid | undefined };

/** An expression as a closure, made once per policy version. Semantics: docs.cedarpolicy.com/policies/syntax-operators.html. */
export function compile(node: Expression, slots: Slots = {}): Compiled {
  const [operator, operand] = parted(node);
  const inner = partsOf(node).map((part) => compile(part, slots));
  const special = SPECIAL[operator];
  if (special !== undefined) return special(operand as never, inner, slots);
  const unary = UNARY_OPERATORS[operator as Unary];
  if (unary !== undefined) return one(inner[0]!, unary);
  const binary = BINARY_OPERATORS[operator as Binary];
  if (binary !== undefined) return two(inner[0]!, inner[1]!, binary);
  if (!FUNCTIONS.has(operator))
    throw new Malformed(operator, "no operator of Cedar", "Correct it.");
  return all(inner, (values) => call(operator, values));
}

type Special = (operand: never, inner: readonly Compiled[], slots: Slots) => Compiled;

const SPECIAL: Readonly<Record<string, Special>> = {
  Value: (json: ValueJson) => constant(valueOf(json, "Value")),
  Var: (name: Variable) => (environment) => environment[name],
  Slot: (slot: Slot, _, slots) => constant(refOf(slots[slot]!)),
  Set: (_, inner) => all(inner, (values) => new CedarSet(values)),
  Record: (fields: Readonly<Record<string, Expression>>, inner) => {
    const names = Object.keys(fields);
    return all(inner, (values) => new Map(names.map((name, i) => [name, values[i]!])));
  },
  ".": ({ attr }: { attr: string }, [owner]) =>
    one(owner!, (value, { entities }) => attribute(value, attr, entities)),
  has: ({ attr }: { attr: string | readonly string[] }, [owner]) => {
    const names = typeof attr === "string" ? [attr] : attr;
    return one(owner!, (value, { entities }) => has(value, names, entities));
  },
  like: ({ pattern }: { pattern: readonly PatternPart[] }, [text]) => {
    const matches = matcher(pattern);
    return one(text!, (value, { budget }) =>
      typeof value === "string" ? matches(value, budget) : wanted("a string", value),
    );
  },
  is: ({ entity_type: type }: { entity_type: string }, [left, group]) => {
    const is = one(left!, (value) =>
      value instanceof EntityRef ? value.type === type : wanted("an entity", value),
    );
    return group === undefined ? is : and(is, two(left!, group, BINARY_OPERATORS.in!));
  },
  "if-then-else":
    (_, [test, then, other]) =>
    (environment) => {
      const holds = test!(environment);
      if (typeof holds !== "boolean") return wanted("a boolean", holds);
      return holds ? then!(environment) : other!(environment);
    },
  "&&": (_, [left, right]) => and(left!, right!),
  "||":
    (_, [left, right]) =>
    (environment) => {
      const first = left!(environment);
      return first === false ? booleanOf(right!(environment)) : booleanOf(first);
    },
};

const UNARY_OPERATORS: { readonly [operator in Unary]: (value: Value) => Result } = {
  "!": (value) => (typeof value === "boolean" ? !value : wanted("a boolean", value)),
  neg: (value) => (isLong(value) ? (negate(value) ?? OVERFLOW) : wanted("a long", value)),
  isEmpty: (value) =>
    value instanceof CedarSet ? value.members.length === 0 : wanted("a set", value),
};

type Operator = (a: Value, b: Value, environment: Environment) => Result;

const BINARY_OPERATORS: { readonly [operator in Binary]?: Operator } = {
  "==": (a, b, { budget }) => same(a, b, budget),
  "!=": (a, b, { budget }) => !same(a, b, budget),
  "<": comparison((a, b) => a < b),
  "<=": comparison((a, b) => a <= b),
  ">": comparison((a, b) => a > b),
  ">=": comparison((a, b) => a >= b),
  "+": arithmetic(add),
  "-": arithmetic(subtract),
  "*": arithmetic(multiply),
  in: (a, b, { entities, budget }) => {
    if (!(a instanceof EntityRef)) return wanted("an entity", a);
    if (b instanceof EntityRef) return entities.isIn(a, b);
    if (!(b instanceof CedarSet)) return wanted("an entity or a set of entities", b);
    budget.spend(b.members.length);
    let found = false;
    for (const group of b.members) {
      if (!(group instanceof EntityRef)) return wanted("an entity", group);
      found ||= entities.isIn(a, group);
    }
    return found;
  },
  contains: (a, b, { budget }) => (a instanceof CedarSet ? a.has(b, budget) : wanted("a set", a)),
  containsAll: sets((a, b, budget) => a.hasAll(b, budget)),
  containsAny: sets((a, b, budget) => a.hasAny(b, budget)),
  getTag: tags(
    (found, tag) => found?.get(tag) ?? new Failure("missing", "the entity has no such tag"),
  ),
  hasTag: tags((found, tag) => found?.has(tag) ?? false),
};

const OVERFLOW = new Failure("overflow", "the result has no place in 64 bits");

const wanted = (what: string, found: Result): Failure =>
  found instanceof Failure
    ? found
    : new Failure("type", `${what} was expected, not ${kindOf(found)}`);

const booleanOf = (result: Result): boolean | Failure =>
  typeof result === "boolean" ? result : wanted("a boolean", result);

function comparison(holds: (a: Long, b: Long) => boolean): Operator {
  return (a, b) => {
    if (isLong(a) && isLong(b)) return holds(a, b);
    const lengths = comparable(a, b);
    if (lengths !== null) return holds(...lengths);
    const odd = isLong(a) || (typeof a === "object" && isExtension(a)) ? b : a;
    return wanted("a long, or two datetimes or durations,", odd);
  };
}

function arithmetic(of: (a: Long, b: Long) => Long | null): Operator {
  return (a, b) => {
    if (isLong(a) && isLong(b)) return of(a, b) ?? OVERFLOW;
    return wanted("a long", isLong(a) ? b : a);
  };
}

function sets(of: (a: CedarSet, b: CedarSet, budget: Budget) => boolean): Operator {
  return (a, b, { budget }) => {
    if (a instanceof CedarSet && b instanceof CedarSet) return of(a, b, budget);
    return wanted("a set", a instanceof CedarSet ? b : a);
  };
}

function tags(of: (found: CedarRecord | undefined, tag: string) => Result): Operator {
  return (a, b, { entities }) => {
    if (!(a instanceof EntityRef)) return wanted("an entity", a);
    if (typeof b !== "string") return wanted("a string", b);
    return of(entities.get(a)?.tags, b);
  };
}

function attribute(owner: Value, name: string, entities: Entities): Result {
  const fields = fieldsOf(owner, entities);
  if (fields instanceof Failure) return fields;
  const found = fields?.get(name);
  if (found !== undefined) return found;
  return fields === undefined
    ? new Failure("missing", "nothing is known of the entity")
    : new Failure("missing", `attribute ${name} is missing`);
}

/** `a has b.c` asks whether `a.b` is there and has `c`. */
function has(owner: Value, names: readonly string[], entities: Entities): Result {
  let value = owner;
  for (const [at, name] of names.entries()) {
    const fields = fieldsOf(value, entities);
    if (fields instanceof Failure) return fields;
    const found = fields?.get(name);
    if (found === undefined) return false;
    if (at < names.length - 1) value = found;
  }
  return true;
}

/** Of an entity or record; undefined when the entity is not known. */
function fieldsOf(owner: Value, entities: Entities): CedarRecord | Failure | undefined {
  if (owner instanceof EntityRef) return entities.get(owner)?.attrs;
  return owner instanceof Map ? owner : wanted("an entity or a record", owner);
}

/** Marks what does not depend on a request, so that what is made of it alone is made once. */
const constants = new WeakMap<Compiled, Result>();

function constant(result: Result): Compiled {
  const compiled = () => result;
  constants.set(compiled, result);
  return compiled;
}

function and(left: Compiled, right: Compiled): Compiled {
  return (environment) => {
    const first = left(environment);
    return first === true ? booleanOf(right(environment)) : booleanOf(first);
  };
}

function one(inner: Compiled, of: (value: Value, environment: Environment) => Result): Compiled {
  return (environment) => {
    const value = inner(environment);
    return value instanceof Failure ? value : of(value, environment);
  };
}

function two(left: Compiled, right: Compiled, of: Operator): Compiled {
  return (environment) => {
    const a = left(environment);
    if (a instanceof Failure) return a;
    const b = right(environment);
    return b instanceof Failure ? b : of(a, b, environment);
  };
}

/** Arguments of sets, records and functions, which read nothing of the request themselves. */
function all(inner: readonly Compiled[], of: (values: Value[]) => Result): Compiled {
  const run: Compiled = (environment) => {
    environment.budget.spend(inner.length);
    const values: Value[] = [];
    for (const part of inner) {
      const value = part(environment);
      if (value instanceof Failure) return value;
      values.push(value);
    }
    return of(values);
  };
  const known = inner.map((part) => constants.get(part));
  if (known.includes(undefined)) return run;
  const failed = known.find((result) => result instanceof Failure);
  return constant(failed ?? of(known as Value[]));
}
