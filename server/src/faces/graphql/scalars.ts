import {
  type ConstObjectValueNode,
  type ConstValueNode,
  GraphQLError,
  GraphQLScalarType,
  Kind,
} from "graphql";

/** What GraphQL lacks. Values are those of the other faces; the operation's own schema checks what comes in. */
export const json = new GraphQLScalarType({
  name: "Json",
  description: "Any JSON value, as it is.",
  coerceInputValue: (value) => value,
  coerceInputLiteral: valueOf,
});

export const safeInt = new GraphQLScalarType({
  name: "SafeInt",
  description: "A whole number from -(2^53 - 1) to 2^53 - 1, as a JSON number.",
  coerceOutputValue: whole,
  coerceInputValue: whole,
  coerceInputLiteral(node) {
    if (node.kind !== Kind.INT) throw mistake("SafeInt takes a whole number", node);
    return whole(Number(node.value));
  },
});

export const dateTime = new GraphQLScalarType({
  name: "DateTime",
  description: "A moment in RFC 3339, such as 2027-03-01T12:00:00.000Z.",
  specifiedByURL: "https://www.rfc-editor.org/rfc/rfc3339",
  coerceInputValue: text,
  coerceInputLiteral(node) {
    if (node.kind !== Kind.STRING) throw mistake("DateTime takes a string", node);
    return node.value;
  },
});

function whole(value: unknown): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new GraphQLError("SafeInt takes a whole number from -(2^53 - 1) to 2^53 - 1");
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new GraphQLError("DateTime takes a string");
}

/** A literal as the JSON value that it writes down; how deep it can be is limited before it is parsed. */
function valueOf(node: ConstValueNode): unknown {
  switch (node.kind) {
    case Kind.NULL:
      return null;
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.LIST:
      return node.values.map(valueOf);
    case Kind.OBJECT:
      return objectOf(node);
    default:
      return node.value;
  }
}

function objectOf(node: ConstObjectValueNode): unknown {
  const entries = node.fields.map(({ name, value }) => [name.value, valueOf(value)] as const);
  if (entries.some(([name]) => name === "__proto__")) throw mistake("__proto__ is no key", node);
  return Object.fromEntries(entries);
}

const mistake = (message: string, node: ConstValueNode) =>
  new GraphQLError(message, { nodes: node });
