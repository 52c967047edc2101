import { COMPARISONS, type EntityRef, type Expression, type Literal } from "./document.ts";

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
      const wanted = member(environment);
      return members.some((candidate) => same(candidate, wanted));
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
function same(a: unknown, b: unknown): boolean {
  if (isEntity(a) && isEntity(b)) return a.type === b.type && a.id === b.id;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.every((x) => b.some((y) => same(x, y))) && b.every((y) => a.some((x) => same(x, y)));
  }
  return a === b;
}

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
