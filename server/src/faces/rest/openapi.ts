import type { z } from "zod";
import { version } from "#kernel/package-root.ts";
import type { Operation } from "#pipeline";
import { exampleOf } from "../example.ts";
import { type Json, jsonSchemaOf } from "../json-schema.ts";
import { type RefusalsByOperation, refusedAnswers } from "./openapi-refusals.ts";
import { STREAM_TYPES } from "./stream-forms.ts";

/** Gives the schema's JSON form and keeps the parts that it refers to. */
type SchemaOf = (schema: z.ZodType, io: "input" | "output") => Json;

/** The interface as OpenAPI 3.1, drawn from the operation list and what is known of its refusals. */
export function openapi(operations: readonly Operation[], refusals: RefusalsByOperation): Json {
  const paths: Record<string, Json> = {};
  const schemas: Record<string, Json> = { Problem: PROBLEM };
  const responses: Record<string, Json> = { Problem: ANY_REFUSAL };
  const schemaOf: SchemaOf = (schema, io) => {
    const made = jsonSchemaOf(schema, io);
    Object.assign(schemas, made.named);
    return made.schema;
  };
  for (const operation of operations) {
    const [method, path] = operation.rest.split(" ") as [string, string];
    paths[path] ??= {};
    paths[path][method.toLowerCase()] = describe(
      operation,
      method,
      path,
      schemaOf,
      responses,
      refusals,
    );
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Sealbase",
      version,
      description: "A PostgreSQL data platform that can prove what it did.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ key: [] }],
    tags: [...new Set(operations.map(domainOf))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        key: {
          type: "http",
          scheme: "bearer",
          description: "An API key, sk_…, or the key of an agent session, as_…",
        },
      },
      schemas,
      responses,
    },
  };
}

const ANY_REFUSAL: Json = {
  description: "A refusal: what happened, with which values, and what to do.",
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
};

const PROBLEM: Json = {
  type: "object",
  required: ["type", "title", "status", "code", "facts", "help", "request_id"],
  properties: {
    type: { type: "string" },
    title: { type: "string" },
    status: { type: "integer" },
    code: {
      type: "string",
      description: "step/what: request, policy, score, action or seal, and the reason",
    },
    facts: { type: "object" },
    help: { type: "string" },
    request_id: { type: "string" },
  },
};

const domainOf = ({ name }: Operation): string => name.split(".")[0]!;

function describe(
  operation: Operation,
  method: string,
  path: string,
  schemaOf: SchemaOf,
  responses: Record<string, Json>,
  refusals: RefusalsByOperation,
): Json {
  const input = schemaOf(operation.input, "input");
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const hasBody = method === "POST" || method === "PATCH";
  const properties = (input["properties"] ?? {}) as Record<string, Json>;
  const required = (input["required"] ?? []) as string[];
  const rest = Object.keys(properties).filter((name) => !inPath.includes(name));
  return {
    operationId: operation.name,
    summary: operation.summary,
    tags: [domainOf(operation)],
    parameters: [
      ...inPath.map((name) => ({ name, in: "path", required: true, schema: properties[name] })),
      ...(hasBody
        ? []
        : rest.map((name) => ({
            name,
            in: "query",
            required: required.includes(name),
            schema: properties[name],
            ...(properties[name]!["type"] === "array" ? { explode: false } : {}),
          }))),
      ...(operation.kind === "write" ? WRITE_HEADERS : []),
      ...(operation.resume === undefined ? [] : [LAST_EVENT_ID]),
      ...(operation.current === undefined ? [] : [IF_MATCH]),
      REQUEST_ID,
    ],
    ...(hasBody && rest.length > 0
      ? { requestBody: bodyOf(operation, inPath, withoutPath(input, inPath)) }
      : {}),
    responses: {
      [String(operation.status ?? 200)]: doneAnswer(
        operation,
        schemaOf(operation.output, "output"),
      ),
      ...(operation.manyMax === undefined
        ? {}
        : { "207": manyOf(schemaOf(operation.output, "output")) }),
      ...refusedAnswers(refusals[operation.name] ?? {}, responses),
      default: { $ref: "#/components/responses/Problem" },
    },
  };
}

function doneAnswer({ kind, output }: Operation, schema: Json): Json {
  const example = exampleFor(output, "output");
  if (kind === "stream")
    return {
      description: "One event or line an item, for as long as the caller listens.",
      headers: CALL_HEADERS,
      content: Object.fromEntries(STREAM_TYPES.map((type) => [type, { schema, example }])),
    };
  return {
    description: "Done.",
    headers: kind === "write" ? { ...CALL_HEADERS, ...WRITE_ANSWER } : CALL_HEADERS,
    content: { "application/json": { schema, example } },
  };
}

function exampleFor(of: z.ZodType, io: "input" | "output"): unknown {
  const { schema, named } = jsonSchemaOf(of, io);
  return exampleOf(schema, named);
}

const header = (description: string): Json => ({ description, schema: { type: "string" } });

const CALL_HEADERS: Json = {
  "X-Request-Id": header("The caller's own, or the one that was made"),
  "Sealbase-Call": header("Id of the call, its decision, score and entry"),
  "Server-Timing": header("Milliseconds in each of the five steps"),
};

const WRITE_ANSWER: Json = {
  "Sealbase-Entry": header("Place of the entry, and the size that the checkpoint signs"),
  "Idempotency-Replayed": header(
    "true when this is the answer of an earlier call with the same key",
  ),
};

/** One result an item of an array, in order. */
const manyOf = (output: Json): Json => ({
  description: "Done for an array: one result an item, in order.",
  content: {
    "application/json": {
      schema: {
        type: "object",
        required: ["results"],
        properties: { results: { type: "array", items: { oneOf: [doneOf(output), REFUSED] } } },
      },
    },
  },
});

const doneOf = (output: Json): Json => ({
  type: "object",
  required: ["ok", "status", "output"],
  properties: { ok: { const: true }, status: { type: "integer" }, output },
});

const REFUSED: Json = {
  type: "object",
  required: ["ok", "status", "problem"],
  properties: {
    ok: { const: false },
    status: { type: "integer" },
    problem: { $ref: "#/components/schemas/Problem" },
  },
};

const REQUEST_ID: Json = {
  name: "X-Request-Id",
  in: "header",
  schema: { type: "string", maxLength: 128 },
  description:
    "Yours, or one is made; it is returned and kept with everything that the call leaves.",
};

const LAST_EVENT_ID: Json = {
  name: "Last-Event-ID",
  in: "header",
  schema: { type: "string" },
  description: "The id of the last event that was seen: the stream goes on after it.",
};

const IF_MATCH: Json = {
  name: "If-Match",
  in: "header",
  schema: { type: "string" },
  description: "ETag of the state that the caller saw; in another state nothing is done (412).",
};

const WRITE_HEADERS: Json[] = [
  {
    name: "Idempotency-Key",
    in: "header",
    schema: { type: "string", maxLength: 200 },
    description:
      "The same key with the same input gets the first answer again; with another input it is refused.",
  },
  {
    name: "Prefer",
    in: "header",
    schema: { type: "string", enum: ["wait=durable", "wait=published"] },
    description:
      "What to wait for: that the call is on disk, or (default) that a signed checkpoint covers it.",
  },
];

function bodyOf({ manyMax, input }: Operation, inPath: readonly string[], one: Json): Json {
  const fields = Object.entries(exampleFor(input, "input") as object);
  const example = Object.fromEntries(fields.filter(([name]) => !inPath.includes(name)));
  const schema =
    manyMax === undefined
      ? one
      : { oneOf: [one, { type: "array", minItems: 1, maxItems: manyMax, items: one }] };
  return { required: true, content: { "application/json": { schema, example } } };
}

function withoutPath(input: Json, inPath: readonly string[]): Json {
  const { required, ...rest } = input;
  const properties = Object.entries(input["properties"] as Json).filter(
    ([name]) => !inPath.includes(name),
  );
  const needed = ((required ?? []) as string[]).filter((name) => !inPath.includes(name));
  return {
    ...rest,
    properties: Object.fromEntries(properties),
    ...(needed.length > 0 ? { required: needed } : {}),
  };
}
