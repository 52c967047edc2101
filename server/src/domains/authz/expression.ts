import { createHash } from "node:crypto";

export interface EntityRef {
  type: string;
  id: string;
}
export type Literal = boolean | number | string | { __entity: EntityRef };
type Two = { left: Expression; right: Expression };
type Attribute = { left: Expression; attr: string };
export const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="] as const;
export const LOGIC = ["&&", "||"] as const;
type BinaryName = (typeof COMPARISONS)[number] | (typeof LOGIC)[number] | "in" | "contains";

/** One key each; the key says which. */
export type Expression =
  | { Value: Literal }
  | { Var: "principal" | "action" | "resource" | "context" }
  | { Set: Expression[] }
  | { ".": Attribute }
  | { has: Attribute }
  | { "!": { arg: Expression } }
  | { is: { left: Expression; entity_type: string } }
  | { [Name in BinaryName]?: Two };

/** The expressions that stand right under one. */
export function partsOf(node: Expression): readonly Expression[] {
  if ("Value" in node || "Var" in node) return [];
  if ("Set" in node) return node.Set;
  const [{ left, right, arg }] = Object.values(node) as [Partial<Two> & { arg?: Expression }];
  return [left, right, arg].filter((part) => part !== undefined);
}

/** The parts of a condition that `&&` joins at its top: each is traced by itself. */
export function conjuncts(body: Expression): Expression[] {
  const and = (body as { "&&"?: Two })["&&"];
  return and === undefined ? [body] : [...conjuncts(and.left), ...conjuncts(and.right)];
}

/** What a condition is evaluated against. */
export interface Environment {
  readonly principal: Entity;
  readonly action: Entity;
  readonly resource: Entity;
  readonly context: Readonly<Record<string, unknown>>;
}

export interface Entity {
  readonly type: string;
  readonly id: string;
  /** Keys `Type::"id"` of everything that it is in. */
  readonly parents: ReadonlySet<string>;
}

/** A condition that cannot be evaluated: a missing attribute, a wrong type. It denies where it is in reach. */
export class EvaluationError extends Error {}

export type Compiled = (environment: Environment) => unknown;

export const keyOf = ({ type, id }: EntityRef): string => `${type}::${JSON.stringify(id)}`;

/** An expression as a closure, made once per policy version. */
export function compile(node: Expression): Compiled {
  const [operator, operand] = Object.entries(node)[0] as [string, never];
  return COMPILERS[operator]!(operand);
}

const COMPILERS: Readonly<Record<string, (operand: never) => Compiled>> = {
  Value: (value: Literal) => {
    const literal = typeof value === "object" ? reference(value.__entity) : value;
    return () => literal;
  },
  Var: (name: keyof Environment) => (environment) => environment[name],
  Set: (members: Expression[]) => {
    const compiled = members.map(compile);
    return (environment) => compiled.map((member) => member(environment));
  },
  ".": ({ left, attr }: { left: Expression; attr: string }) => {
    const owner = compile(left);
    return (environment) => {
      const record = recordOf(owner(environment));
      if (!Object.hasOwn(record, attr)) throw new EvaluationError(`attribute ${attr} is missing`);
      return record[attr];
    };
  },
  has: ({ left, attr }: { left: Expression; attr: string }) => {
    const owner = compile(left);
    return (environment) => Object.hasOwn(recordOf(owner(environment)), attr);
  },
  "!": ({ arg }: { arg: Expression }) => {
    const inner = compile(arg);
    return (environment) => !booleanOf(inner(environment));
  },
  is: ({ left, entity_type }: { left: Expression; entity_type: string }) => {
    const entity = compile(left);
    return (environment) => entityOf(entity(environment)).type === entity_type;
  },
  in: ({ left, right }: { left: Expression; right: Expression }) => {
    const [member, groups] = [compile(left), compile(right)];
    return (environment) => {
      const entity = entityOf(member(environment));
      const found = groups(environment);
      return (Array.isArray(found) ? found : [found]).some((group) =>
        isIn(entity, entityOf(group)),
      );
    };
  },
  contains: ({ left, right }: { left: Expression; right: Expression }) => {
    const [set, member] = [compile(left), compile(right)];
    return (environment) => {
      const members = set(environment);
      if (!Array.isArray(members)) throw new EvaluationError("contains needs a set");
      return setOf(members).keys.has(valueKey(member(environment)));
    };
  },
  "&&": ({ left, right }: { left: Expression; right: Expression }) => {
    const [first, second] = [compile(left), compile(right)];
    return (environment) => booleanOf(first(environment)) && booleanOf(second(environment));
  },
  "||": ({ left, right }: { left: Expression; right: Expression }) => {
    const [first, second] = [compile(left), compile(right)];
    return (environment) => booleanOf(first(environment)) || booleanOf(second(environment));
  },
  ...Object.fromEntries(COMPARISONS.map((operator) => [operator, compileComparison(operator)])),
};

function compileComparison(operator: (typeof COMPARISONS)[number]) {
  return ({ left, right }: { left: Expression; right: Expression }): Compiled => {
    const [first, second] = [compile(left), compile(right)];
    if (operator === "==") return (environment) => same(first(environment), second(environment));
    if (operator === "!=") return (environment) => !same(first(environment), second(environment));
    return (environment) => {
      const [a, b] = [integerOf(first(environment)), integerOf(second(environment))];
      if (operator === "<") return a < b;
      if (operator === "<=") return a <= b;
      return operator === ">" ? a > b : a >= b;
    };
  };
}

export const isIn = (entity: Entity, group: EntityRef): boolean =>
  (entity.type === group.type && entity.id === group.id) || entity.parents.has(keyOf(group));

const NOTHING: ReadonlySet<string> = new Set();
const reference = ({ type, id }: EntityRef): Entity => ({ type, id, parents: NOTHING });

const isEntity = (value: unknown): value is Entity =>
  typeof value === "object" && value !== null && (value as Entity).parents instanceof Set;

/** Equality over values: sets without order, entities by type and id; values of different types differ. */
const same = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === "object" && typeof b === "object" && valueKey(a) === valueKey(b));

/** Equal values have equal keys, and only they. Keys of sets and records are digests, so that keys of keys stay short. */
function valueKey(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (isEntity(value)) return `entity ${keyOf(value)}`;
  if (Array.isArray(value)) return setOf(value).key;
  const fields = Object.entries(value).map(([name, field]) => [name, valueKey(field)] as const);
  return `record ${digest(fields.sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

interface KeyedSet {
  readonly key: string;
  /** Of the members. */
  readonly keys: ReadonlySet<string>;
}

/** By list: one of the context is compared by many policies. Nobody changes a list after it was made. */
const keyedSets = new WeakMap<readonly unknown[], KeyedSet>();

function setOf(members: readonly unknown[]): KeyedSet {
  let found = keyedSets.get(members);
  if (found === undefined) {
    const keys = new Set(members.map(valueKey));
    found = { key: `set ${digest([...keys].sort())}`, keys };
    keyedSets.set(members, found);
  }
  return found;
}

const digest = (keys: unknown): string =>
  createHash("sha256").update(JSON.stringify(keys)).digest("base64");

function booleanOf(value: unknown): boolean {
  if (typeof value !== "boolean")
    throw new EvaluationError(`a boolean was expected, not ${kindOf(value)}`);
  return value;
}

function integerOf(value: unknown): number {
  if (!Number.isSafeInteger(value))
    throw new EvaluationError(`an integer was expected, not ${kindOf(value)}`);
  return value as number;
}

function entityOf(value: unknown): Entity {
  if (!isEntity(value)) throw new EvaluationError(`an entity was expected, not ${kindOf(value)}`);
  return value;
}

/** Entities have no attributes of their own yet; the context and records in it do. */
function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  if (isEntity(value)) return {};
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new EvaluationError(`a record was expected, not ${kindOf(value)}`);
  return value as Record<string, unknown>;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a set";
  return isEntity(value) ? "an entity" : `a ${typeof value}`;
}
