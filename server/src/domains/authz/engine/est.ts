/**
 * Cedar's JSON form of policies (EST), as docs.cedarpolicy.com/policies/json-format.html and
 * docs.cedarpolicy.com/auth/entities-syntax.html describe it.
 */
export interface EntityUid {
  readonly type: string;
  readonly id: string;
}

export type ValueJson =
  | boolean
  | number
  | string
  | readonly ValueJson[]
  | { readonly __entity: EntityUid }
  | { readonly __extn: { readonly fn: string; readonly arg: ValueJson } }
  | { readonly [name: string]: ValueJson };

export interface EntityJson {
  readonly uid: EntityUid | { readonly __entity: EntityUid };
  readonly attrs?: Readonly<Record<string, ValueJson>>;
  readonly parents?: readonly (EntityUid | { readonly __entity: EntityUid })[];
  readonly tags?: Readonly<Record<string, ValueJson>>;
}

export type Variable = "principal" | "action" | "resource" | "context";
export type Slot = "?principal" | "?resource";

interface Two {
  readonly left: Expression;
  readonly right: Expression;
}
interface One {
  readonly arg: Expression;
}

export const BINARY = [
  "==",
  "!=",
  "<",
  "<=",
  ">",
  ">=",
  "&&",
  "||",
  "in",
  "+",
  "-",
  "*",
  "contains",
  "containsAll",
  "containsAny",
  "getTag",
  "hasTag",
] as const;
export type Binary = (typeof BINARY)[number];

export const UNARY = ["!", "neg", "isEmpty"] as const;
export type Unary = (typeof UNARY)[number];

/** `*` in a pattern, or characters that stand for themselves. */
export type PatternPart = "Wildcard" | { readonly Literal: string };

/** One key each: it says which. */
export type Expression =
  | { readonly Value: ValueJson }
  | { readonly Var: Variable }
  | { readonly Slot: Slot }
  | { readonly Set: readonly Expression[] }
  | { readonly Record: Readonly<Record<string, Expression>> }
  | { readonly ".": { readonly left: Expression; readonly attr: string } }
  | { readonly has: { readonly left: Expression; readonly attr: string | readonly string[] } }
  | { readonly like: { readonly left: Expression; readonly pattern: readonly PatternPart[] } }
  | {
      readonly is: {
        readonly left: Expression;
        readonly entity_type: string;
        readonly in?: Expression | undefined;
      };
    }
  | {
      readonly "if-then-else": {
        readonly if: Expression;
        readonly then: Expression;
        readonly else: Expression;
      };
    }
  | { readonly [operator in Unary]?: One }
  | { readonly [operator in Binary]?: Two }
  /** Extension functions and methods, by name: `{ "ip": [{ "Value": "10.0.0.0/8" }] }`. */
  | { readonly [fn: string]: readonly Expression[] };

interface Within {
  readonly entity?: EntityUid | undefined;
  readonly slot?: Slot | undefined;
}

/** What a scope says of principal or resource: an entity or, in a template, the slot of one. */
export type Scope =
  | { readonly op: "All" }
  | ({ readonly op: "==" | "in" } & Within)
  | { readonly op: "is"; readonly entity_type: string; readonly in?: Within | undefined };

export type ActionScope =
  | { readonly op: "All" }
  | { readonly op: "==" | "in"; readonly entity: EntityUid }
  | { readonly op: "in"; readonly entities: readonly EntityUid[] };

export interface Policy {
  readonly effect: "permit" | "forbid";
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly principal: Scope;
  readonly action: ActionScope;
  readonly resource: Scope;
  readonly conditions: readonly { readonly kind: "when" | "unless"; readonly body: Expression }[];
}

export interface TemplateLink {
  readonly templateId: string;
  readonly newId: string;
  readonly values: { readonly [slot in Slot]?: EntityUid | undefined };
}

export interface PolicySetJson {
  readonly staticPolicies: Readonly<Record<string, Policy>>;
  readonly templates?: Readonly<Record<string, Policy>> | undefined;
  readonly templateLinks?: readonly TemplateLink[] | undefined;
}

/** The operator of an expression and what it is given. */
export const parted = (node: Expression): readonly [string, unknown] => Object.entries(node)[0]!;

/** The expressions that stand right under one, in the order of their evaluation. */
export function partsOf(node: Expression): readonly Expression[] {
  const [operator, operand] = parted(node);
  switch (operator) {
    case "Value":
    case "Var":
    case "Slot":
      return [];
    case "Record":
      return Object.values(operand as Record<string, Expression>);
    case "if-then-else": {
      const { if: test, then, else: other } = operand as Record<"if" | "then" | "else", Expression>;
      return [test, then, other];
    }
  }
  if (Array.isArray(operand)) return operand as Expression[];
  const { left, right, arg, in: group } = operand as Readonly<Record<string, Expression>>;
  return [left, right, arg, group].filter((part) => part !== undefined);
}

/** The parts of a condition that `&&` joins at its top: each is weighed and traced by itself. */
export function conjuncts(body: Expression): Expression[] {
  // A chain leans to the left: walked, not called, so that a long one is no deep one.
  const found: Expression[] = [];
  let rest: Expression = body;
  for (let and = andOf(rest); and !== undefined; and = andOf(rest)) {
    found.push(...conjuncts(and.right).reverse());
    rest = and.left;
  }
  found.push(rest);
  return found.reverse();
}

const andOf = (node: Expression): Two | undefined =>
  "&&" in node ? (node as { readonly "&&": Two })["&&"] : undefined;
