import {
  BINARY,
  conjuncts,
  type Expression,
  type PolicySetJson,
  parted,
  partsOf,
  UNARY,
} from "./est.ts";
import { FUNCTIONS } from "./extension/index.ts";
import { Malformed, valueOf } from "./from-json.ts";

/**
 * What authors may write: what one decision costs, in time and in its trace, is bounded. For authors, not for what is stored
 * already: a lower limit must not undo what has been decided with.
 */
export const LIMITS = {
  /** Static policies and links of templates. */
  policies: 1_000,
  templates: 200,
  bytes: 512 * 1_024,
  /** Each link is compiled as if its template were written there: a thousand of a long one would take a minute. */
  linkedBytes: 2 * 1_024 * 1_024,
  /** Expressions in all conditions: each is evaluated once at most. */
  parts: 20_000,
  conditions: 20,
  depth: 32,
  setDepth: 2,
  conjuncts: 100,
  /** Members of a set or record that is written out. */
  members: 1_000,
} as const;

/** Something in a document that is no policy, or more than may be: where, and what is wrong. */
export interface Flaw {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/**
 * What is wrong with an expression that came as JSON; nothing when it can be compiled. Walked with a stack of its own, so
 * that a deep one is refused, not crashed on.
 */
export function flawsOf(expression: unknown, path: readonly (string | number)[] = []): Flaw[] {
  const open: {
    node: unknown;
    path: readonly (string | number)[];
    depth: number;
    wide: number;
    sets: number;
  }[] = [{ node: expression, path, depth: 0, wide: 1, sets: 0 }];
  const flaws: Flaw[] = [];
  for (let next = open.pop(); next !== undefined && flaws.length < FLAWS_MAX; next = open.pop()) {
    const { node, path: at, depth, wide, sets } = next;
    const message =
      depth > LIMITS.depth
        ? DEEP
        : wide > LIMITS.conjuncts
          ? WIDE
          : (formOf(node) ?? ownFlaw(node as Expression));
    if (message !== null) {
      flaws.push({ path: at, message });
      continue;
    }
    const [operator, operand] = parted(node as Expression);
    const inSets = sets + (operator === "Set" ? 1 : 0);
    if (inSets > LIMITS.setDepth) {
      flaws.push({
        path: at,
        message: `sets stand in each other more than ${LIMITS.setDepth} deep`,
      });
      continue;
    }
    for (const [name, part] of namedParts(operator, operand)) {
      // Left arms of `&&` chains do not count: a hundred conjuncts are wide, not deep.
      const beside = operator === "&&" && name === "left";
      open.push({
        node: part,
        path: [...at, operator, name],
        depth: depth + (beside ? 0 : 1),
        wide: beside ? wide + 1 : 1,
        sets: inSets,
      });
    }
  }
  return flaws;
}

const FLAWS_MAX = 20;
const DEEP = `a condition is deeper than ${LIMITS.depth}`;
const WIDE = `more than ${LIMITS.conjuncts} parts are joined by &&`;

function namedParts(operator: string, operand: unknown): [string | number, unknown][] {
  if (["Value", "Var", "Slot"].includes(operator)) return [];
  if (Array.isArray(operand)) return [...operand.entries()];
  if (operator === "Record") return Object.entries(operand as object);
  return Object.entries(operand as object).filter(([name]) => PARTS.includes(name));
}

const PARTS: readonly string[] = ["left", "right", "arg", "in", "if", "then", "else"];
const VARIABLES: readonly unknown[] = ["principal", "action", "resource", "context"];
const SLOTS: readonly unknown[] = ["?principal", "?resource"];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isText = (value: unknown): value is string =>
  typeof value === "string" && value.length <= 4_096;

/** Whether it has the form of an expression, that of its parts aside. */
function formOf(node: unknown): string | null {
  if (!isObject(node)) return "an expression is an object with one key";
  const keys = Object.keys(node);
  if (keys.length !== 1) return `an expression is an object with one key, not ${keys.length}`;
  const [operator, operand] = parted(node);
  const form = FORMS[operator];
  if (form === undefined)
    return `${JSON.stringify(operator.slice(0, 60))} is no operator or function of Cedar`;
  return form(operand) ? null : `what stands under ${operator} has not its form`;
}

const fields =
  (
    tests: Readonly<Record<string, (value: unknown) => boolean>>,
    optional: readonly string[] = [],
  ) =>
  (value: unknown): boolean =>
    isObject(value) &&
    Object.keys(value).every((key) => Object.hasOwn(tests, key)) &&
    Object.entries(tests).every(([key, test]) =>
      Object.hasOwn(value, key) ? test(value[key]) : optional.includes(key),
    );

const any = () => true;
const two = fields({ left: any, right: any });
const one = fields({ arg: any });
const isName = (value: unknown): boolean => isText(value) && value.length <= 200;

const FORMS: Readonly<Record<string, (operand: unknown) => boolean>> = {
  __proto__: null as never,
  Value: any,
  Var: (name) => VARIABLES.includes(name),
  Slot: (name) => SLOTS.includes(name),
  Set: (members) => Array.isArray(members) && members.length <= LIMITS.members,
  Record: (record) => isObject(record) && Object.keys(record).length <= LIMITS.members,
  ".": fields({ left: any, attr: isName }),
  has: fields({
    left: any,
    attr: (attr) =>
      isName(attr) ||
      (Array.isArray(attr) && attr.length > 0 && attr.length <= LIMITS.depth && attr.every(isName)),
  }),
  like: fields({
    left: any,
    pattern: (pattern) =>
      Array.isArray(pattern) &&
      pattern.length <= LIMITS.members &&
      pattern.every((part) => part === "Wildcard" || fields({ Literal: isText })(part)),
  }),
  is: fields({ left: any, entity_type: isName, in: any }, ["in"]),
  "if-then-else": fields({ if: any, then: any, else: any }),
  ...Object.fromEntries(UNARY.map((operator) => [operator, one])),
  ...Object.fromEntries(BINARY.map((operator) => [operator, two])),
  ...Object.fromEntries(
    [...FUNCTIONS].map(([name, { takes }]) => [
      name,
      (values: unknown) => Array.isArray(values) && values.length === takes.length,
    ]),
  ),
};

/** What a part says on its own: a literal that is no value. */
function ownFlaw(node: Expression): string | null {
  if (!("Value" in node)) return null;
  try {
    valueOf(node.Value, "Value");
    return longest(node.Value) > 4_096 ? "a text is longer than 4096 characters" : null;
  } catch (error) {
    if (error instanceof Malformed) return `${error.message}. ${error.help}`;
    throw error;
  }
}

function longest(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((most: number, one) => Math.max(most, longest(one)), 0);
}

/** What is too much in a document whose form was checked. */
export function excessOf(document: PolicySetJson): Flaw[] {
  const { staticPolicies, templates = {}, templateLinks = [] } = document;
  const flaws: Flaw[] = [];
  const atMost = (max: number, what: string, found: number, path: Flaw["path"] = []) => {
    if (found > max) flaws.push({ path, message: `at most ${max} ${what}, not ${found}` });
  };
  const written = [
    ...Object.entries(staticPolicies).map(([id, of]) => ["staticPolicies", id, of] as const),
    ...Object.entries(templates).map(([id, of]) => ["templates", id, of] as const),
  ];
  atMost(LIMITS.policies, "policies", Object.keys(staticPolicies).length + templateLinks.length);
  atMost(LIMITS.templates, "templates", Object.keys(templates).length, ["templates"]);
  atMost(LIMITS.bytes, "bytes of JSON", bytesOf(document));
  const ofTemplates = new Map(Object.entries(templates).map(([id, of]) => [id, bytesOf(of)]));
  atMost(
    LIMITS.linkedBytes,
    "bytes of JSON of the templates of all links, each counted again",
    templateLinks.reduce((sum, { templateId }) => sum + (ofTemplates.get(templateId) ?? 0), 0),
    ["templateLinks"],
  );
  const bodies = written.flatMap(([, , { conditions }]) => conditions.map(({ body }) => body));
  atMost(
    LIMITS.parts,
    "parts of conditions",
    bodies.reduce((sum, body) => sum + count(body), 0),
  );
  for (const [kind, id, { conditions }] of written)
    for (const [i, { body }] of conditions.entries())
      atMost(LIMITS.conjuncts, "parts joined by &&", conjuncts(body).length, [
        kind,
        id,
        "conditions",
        i,
        "body",
      ]);
  return flaws;
}

const bytesOf = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;

const count = (node: Expression): number =>
  partsOf(node).reduce((sum, part) => sum + count(part), 1);
