/** An expression of Cedar's JSON form, or a part of one; what is none is left as it is. */
type Node = unknown;

/** Longer chains become trees; shorter ones stay, so that their text is what was written. */
const CHAIN_MAX = 32;

/**
 * The same policies, whose chains of `&&` are no deep nests any more. Cedar reads JSON 128 levels deep, and a chain that leans
 * to the left takes two of them for each part; `&&` is associative, its failures as well.
 */
export function shallow<T>(policies: T): T {
  return mapped(policies, (policy) => {
    const { conditions } = policy as { conditions?: unknown };
    if (!Array.isArray(conditions)) return policy;
    return {
      ...(policy as object),
      conditions: conditions.map((one) => ({ ...one, body: flatter(one.body) })),
    };
  }) as T;
}

/** The same for a set, with its templates; text among the policies stays text. */
export function shallowSet(set: unknown): unknown {
  if (!isObject(set)) return set;
  const { staticPolicies, templates } = set;
  return {
    ...set,
    ...(isObject(staticPolicies) && { staticPolicies: shallow(staticPolicies) }),
    ...(isObject(templates) && { templates: shallow(templates) }),
  };
}

function flatter(node: Node): Node {
  // Data may look like an expression.
  if (isObject(node) && "Value" in node) return node;
  const parts = chainOf(node);
  if (parts.length <= CHAIN_MAX) return mapped(node, flatter);
  return treeOf(parts.map(flatter));
}

/** What `&&` joins, walked along its left arms: a chain may be long. */
function chainOf(node: Node): Node[] {
  const parts: Node[] = [];
  let rest = node;
  for (let and = andOf(rest); and !== null; and = andOf(rest)) {
    parts.push(and.right);
    rest = and.left;
  }
  parts.push(rest);
  return parts.reverse();
}

const treeOf = (parts: readonly Node[]): Node => {
  if (parts.length === 1) return parts[0];
  const middle = Math.ceil(parts.length / 2);
  return { "&&": { left: treeOf(parts.slice(0, middle)), right: treeOf(parts.slice(middle)) } };
};

function andOf(node: Node): { readonly left: Node; readonly right: Node } | null {
  if (!isObject(node) || Object.keys(node).length !== 1 || !isObject(node["&&"])) return null;
  const { left, right } = node["&&"];
  return left === undefined || right === undefined ? null : { left, right };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every member, by a function; `fromEntries` keeps a key that is called `__proto__`. */
function mapped(value: Node, change: (member: Node) => Node): Node {
  if (Array.isArray(value)) return value.map(change);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, change(one)]));
}
