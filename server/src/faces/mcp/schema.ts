import type { z } from "zod";
import { type Json, jsonSchemaOf, SCHEMA_REF } from "../json-schema.ts";

/** A JSON Schema that refers to nothing outside of itself, as MCP's clients check with. */
export interface ObjectSchema extends Json {
  readonly type: "object";
}

export function inputSchemaOf(schema: z.ZodType): ObjectSchema {
  const { schema: root, named } = jsonSchemaOf(schema, "input");
  return objectSchema(inside(root), named);
}

/** What a tool answers when it is done, or the refusal: clients check either against this. */
export function outputSchemaOf(
  schema: z.ZodType,
  shape = (item: Json): Json => item,
): ObjectSchema {
  const { schema: root, named } = jsonSchemaOf(schema, "output");
  const done = shape(inside(root));
  if (done["type"] !== "object" && done["$ref"] === undefined)
    throw new Error(`a tool's output is an object, not ${JSON.stringify(done).slice(0, 200)}`);
  return objectSchema(
    { type: "object", anyOf: [done, { $ref: "#/$defs/Refusal" }] },
    { ...named, Refusal: REFUSAL },
  );
}

function objectSchema(root: Json, named: Readonly<Record<string, Json>>): ObjectSchema {
  if (root["type"] !== "object") throw new Error("a tool's schema is one of an object");
  const definitions = Object.entries(named).map(([name, schema]) => [name, inside(schema)]);
  return {
    ...root,
    type: "object",
    ...(definitions.length === 0 ? {} : { $defs: Object.fromEntries(definitions) }),
  };
}

/** References to an OpenAPI document's schemas as the schema's own; a format says what its pattern would say at length. */
function inside<Part>(part: Part): Part {
  const text = JSON.stringify(part, (_, value) => {
    const { format, pattern, ...rest } = Object(value) as Json;
    return typeof format === "string" && typeof pattern === "string" ? { ...rest, format } : value;
  });
  return JSON.parse(text.replaceAll(`"$ref":"${SCHEMA_REF}`, '"$ref":"#/$defs/')) as Part;
}

const REFUSAL: Json = {
  type: "object",
  description: "Why the call was not done",
  required: ["code", "message", "status", "facts", "help", "request_id"],
  properties: {
    code: {
      type: "string",
      description: "step/what: request, policy, score, action or seal, and the reason",
    },
    message: { type: "string" },
    status: { type: "integer", description: "As HTTP has it" },
    facts: { type: "object" },
    help: { type: "string" },
    request_id: { type: "string" },
  },
};
