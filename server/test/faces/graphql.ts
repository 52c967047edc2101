import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildSchema,
  type GraphQLField,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isObjectType,
} from "graphql";
import { fieldNameOf } from "#faces/graphql/names.ts";
import { packageRoot } from "#kernel/package-root.ts";
import type { Operation } from "#pipeline";
import type { Answer, Face, Input } from "./face.ts";
import { eventsOf } from "./sse.ts";

/** GraphQL by fetch: one operation a document, with everything that the committed schema says it has. */
export function graphql(url: string): Face {
  const schema = buildSchema(readFileSync(join(packageRoot, "../contract/schema.graphql"), "utf8"));
  return {
    name: "GraphQL",
    home: "graphql",
    async call(operation, input, { key }, requestId) {
      const isStream = operation.kind === "stream";
      const answer = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          "content-type": "application/json",
          accept: isStream ? "text/event-stream" : "application/graphql-response+json",
          "x-request-id": requestId,
        },
        body: JSON.stringify(documentOf(schema, operation, input)),
      });
      const text = await answer.text();
      return isStream ? streamed(operation, text) : answered(operation, JSON.parse(text));
    },
  };
}

interface Result {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly extensions: { code: string; call_id?: string } }[];
  readonly extensions?: { readonly sealbase: { readonly calls: readonly { id: string }[] } };
}

const ROOTS = { read: "query", write: "mutation", stream: "subscription" } as const;

function documentOf(schema: GraphQLSchema, { name, kind, page }: Operation, input: Input) {
  const fields = schema.getRootType(ROOTS[kind] as never)!.getFields();
  const field = fields[fieldNameOf(name)]!;
  const variables = kind === "write" ? wrapped(field, input) : renamed(input, page !== undefined);
  const given = field.args.filter((arg) => Object.hasOwn(variables, arg.name));
  const declared = given.map((arg) => `$${arg.name}: ${String(arg.type)}`);
  const passed = given.map((arg) => `${arg.name}: $${arg.name}`);
  const listed = (words: string[]) => (words.length === 0 ? "" : `(${words.join(", ")})`);
  const query = `${ROOTS[kind]} ${listed(declared)} { ${field.name}${listed(passed)}${selectionOf(field.type)} }`;
  return { query, variables };
}

const wrapped = ({ args }: GraphQLField<unknown, unknown>, input: Input): Input =>
  args.length === 0 ? {} : { input };

/** Lists are Relay connections: `first` and `after` are `limit` and `cursor`. */
function renamed(input: Input, isList: boolean): Input {
  if (!isList) return input;
  const { limit, cursor, ...filters } = input;
  const page = Object.entries({ first: limit, after: cursor });
  return { ...filters, ...Object.fromEntries(page.filter(([, value]) => value !== undefined)) };
}

/** Every field of a type, and of the types in it. */
function selectionOf(type: GraphQLType): string {
  const named = getNamedType(type);
  if (!isObjectType(named)) return "";
  const fields = Object.values(named.getFields());
  return ` { ${fields.map((field) => field.name + selectionOf(field.type)).join(" ")} }`;
}

function answered(operation: Operation, { data, errors, extensions }: Result): Answer {
  const [error] = errors ?? [];
  if (error !== undefined) return { code: error.extensions.code, callId: error.extensions.call_id };
  const output = data![fieldNameOf(operation.name)];
  const callId = extensions?.sealbase.calls[0]?.id;
  return { output: operation.page === undefined ? output : pageOf(output as Connection), callId };
}

interface Connection {
  readonly nodes: readonly unknown[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const pageOf = ({ nodes, pageInfo }: Connection) => ({
  items: nodes,
  next_cursor: pageInfo.hasNextPage ? pageInfo.endCursor : null,
});

function streamed(operation: Operation, text: string): Answer {
  const results = (text.startsWith("{") ? [text] : eventsOf(text).map(({ data }) => data)).map(
    (data) => answered(operation, JSON.parse(data)),
  );
  const refused = results.find((result) => "code" in result);
  if (refused !== undefined) return refused;
  const callId = results[0]?.callId;
  return { output: results.map((result) => (result as { output: unknown }).output), callId };
}
