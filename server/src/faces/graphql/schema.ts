import {
  GraphQLBoolean,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigArgumentMap,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  GraphQLString,
  type GraphQLType,
} from "graphql";
import type { Operation } from "#pipeline";
import { type Json, jsonSchemaOf } from "../json-schema.ts";
import { type Context, callList, callMany, callOne, callStream } from "./call.ts";
import { fieldNameOf, typeNameOf } from "./names.ts";
import { json } from "./scalars.ts";
import { type Drawn, openTypes, type Types } from "./types.ts";

type Field = GraphQLFieldConfig<unknown, Context>;

/** Reads as queries, writes as mutations, streams as subscriptions: each field is one operation, and each use a call. */
export function graphqlSchema(operations: readonly Operation[]): GraphQLSchema {
  const types = openTypes();
  for (const { name } of [...BUILT_IN, problem, pageInfo]) types.claim(name);
  const connections = new Map<string, GraphQLObjectType>();
  const fields: Record<Operation["kind"], Record<string, Field>> = {
    read: {},
    write: {},
    stream: {},
  };
  for (const operation of operations) {
    const name = fieldNameOf(operation.name);
    const ofKind = fields[operation.kind];
    const one =
      operation.page === undefined
        ? fieldOf(operation, types)
        : listField(operation, types, connections);
    ofKind[name] = one;
    if (operation.manyMax !== undefined) ofKind[`${name}Many`] = manyField(operation, one, types);
  }
  return new GraphQLSchema({
    description: "Every field of a root type is one call: decided, scored and sealed by itself.",
    query: rootOf("Query", fields.read) ?? null,
    mutation: rootOf("Mutation", fields.write) ?? null,
    subscription: rootOf("Subscription", fields.stream) ?? null,
  });
}

const BUILT_IN = ["Query", "Mutation", "Subscription", "Json", "SafeInt", "DateTime"].map(
  (name) => ({ name }),
);

const rootOf = (name: string, fields: Record<string, Field>): GraphQLObjectType | undefined =>
  Object.keys(fields).length === 0 ? undefined : new GraphQLObjectType({ name, fields });

/** Null when the call was refused: `errors` says why, and the other calls of the document have their answers. */
function fieldOf(operation: Operation, types: Types): Field {
  const { name, summary, kind } = operation;
  const input: Drawn = jsonSchemaOf(operation.input, "input");
  const output = types.output(jsonSchemaOf(operation.output, "output"), typeNameOf(name));
  const field: Field = {
    type: output,
    description: summary,
    args: argumentsOf(operation, input, types),
  };
  if (kind === "stream") return { ...field, ...callStream(operation, input) };
  return { ...field, resolve: callOne(operation, input) };
}

/** A write takes one `input`, so that one variable can hold it; the others take their fields as arguments. */
function argumentsOf(
  { name, kind }: Operation,
  input: Drawn,
  types: Types,
): GraphQLFieldConfigArgumentMap {
  if (Object.keys(input.schema["properties"] ?? {}).length === 0) return {};
  const inputName = `${typeNameOf(name)}Input`;
  if (kind === "write") return { input: { type: types.input(input, inputName) } };
  return types.inputFields(input, typeNameOf(name));
}

/** A Relay connection: `first` and `after` are the list's own limit and cursor. */
function listField(
  operation: Operation,
  types: Types,
  connections: Map<string, GraphQLObjectType>,
): Field {
  const { name, summary } = operation;
  const input: Drawn = jsonSchemaOf(operation.input, "input");
  const { limit, cursor, ...filters } = types.inputFields(input, typeNameOf(name));
  const output = jsonSchemaOf(operation.output, "output");
  const { items } = output.schema["properties"] as { items: { items: Json } };
  const made = types.output({ ...output, schema: items.items }, `${typeNameOf(name)}Item`);
  const item = made as GraphQLObjectType;
  let type = connections.get(item.name);
  if (type === undefined) connections.set(item.name, (type = connectionOf(item, types)));
  const args = {
    first: limit!,
    after: { ...cursor!, description: "Cursor of the item before" },
    ...filters,
  };
  return { type, description: summary, args, resolve: callList(operation, input) };
}

function connectionOf(item: GraphQLObjectType, types: Types): GraphQLObjectType {
  const node = new GraphQLNonNull(item);
  const edge = new GraphQLObjectType({
    name: types.claim(`${item.name}Edge`),
    fields: {
      cursor: { type: text, description: "Also a cursor of the other faces" },
      node: { type: node },
    },
  });
  return new GraphQLObjectType({
    name: types.claim(`${item.name}Connection`),
    fields: {
      edges: { type: listOf(new GraphQLNonNull(edge)) },
      nodes: { type: listOf(node) },
      pageInfo: { type: new GraphQLNonNull(pageInfo) },
    },
  });
}

/** The array form: as many calls as inputs, each with a result of its own, in order. */
function manyField(operation: Operation, one: Field, types: Types): Field {
  const { name, summary, manyMax } = operation;
  const input: Drawn = jsonSchemaOf(operation.input, "input");
  const result = new GraphQLObjectType({
    name: types.claim(`${typeNameOf(name)}Result`),
    fields: {
      ok: { type: new GraphQLNonNull(GraphQLBoolean) },
      status: { type: new GraphQLNonNull(GraphQLInt), description: "As HTTP has it" },
      output: { type: one.type, description: "Null when refused" },
      problem: { type: problem, description: "Null when done" },
    },
  });
  return {
    type: new GraphQLList(new GraphQLNonNull(result)),
    description: `${summary} Up to ${manyMax} at once; each is a call of its own.`,
    args: { inputs: { type: listOf(one.args!["input"]!.type) } },
    resolve: callMany(operation, input),
  };
}

const text = new GraphQLNonNull(GraphQLString);
const listOf = <T extends GraphQLType>(type: T) => new GraphQLNonNull(new GraphQLList(type));

const pageInfo = new GraphQLObjectType({
  name: "PageInfo",
  fields: {
    hasNextPage: { type: new GraphQLNonNull(GraphQLBoolean) },
    hasPreviousPage: {
      type: new GraphQLNonNull(GraphQLBoolean),
      description: "Whether `after` was given",
    },
    startCursor: { type: GraphQLString },
    endCursor: { type: GraphQLString },
  },
});

const problem = new GraphQLObjectType({
  name: "Problem",
  description: "A refusal: what happened, with which values, and what to do (RFC 9457).",
  fields: {
    type: { type: text },
    title: { type: text },
    status: { type: new GraphQLNonNull(GraphQLInt) },
    code: { type: text },
    facts: { type: new GraphQLNonNull(json) },
    help: { type: text },
    request_id: { type: text },
  },
});
