import { z } from "zod";

export type Json = Record<string, unknown>;

/** Where an OpenAPI document keeps schemas that others refer to. */
export const SCHEMA_REF = "#/components/schemas/";

/**
 * A schema as JSON Schema 2020-12. Its recursive parts are given in `named` and referred to by `SCHEMA_REF`; one has
 * the name that `.meta({ id })` gave it, and any JSON value is `Json`.
 */
export function jsonSchemaOf(
  schema: z.ZodType,
  io: "input" | "output",
): { schema: Json; named: Record<string, Json> } {
  const {
    $schema: _,
    $defs,
    ...rest
  } = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
  }) as Json;
  const defs = ($defs ?? {}) as Record<string, Json>;
  const rename = (part: unknown): unknown => renameRefs(part, defs);
  const named = Object.entries(defs).map(([name, def]) => [nameOf(name, def), rename(def)]);
  return { schema: rename(rest) as Json, named: Object.fromEntries(named) };
}

function nameOf(name: string, def: Json): string {
  if (!name.startsWith("__")) return name;
  if (isAnyJson(def)) return "Json";
  throw new Error(`a recursive schema needs a name: .meta({ id: "…" }) on ${JSON.stringify(def)}`);
}

/** What `z.json()` becomes: six alternatives, of which the last is an object of itself. */
function isAnyJson({ anyOf }: Json): boolean {
  if (!Array.isArray(anyOf) || anyOf.length !== 6) return false;
  const types = (anyOf as Json[]).map((one) => one["type"]).join();
  return types === "string,number,boolean,null,array,object";
}

function renameRefs(part: unknown, defs: Record<string, Json>): unknown {
  if (Array.isArray(part)) return part.map((item) => renameRefs(item, defs));
  if (typeof part !== "object" || part === null) return part;
  const { $ref } = part as Json;
  const name = typeof $ref === "string" ? $ref.slice("#/$defs/".length) : undefined;
  const { id, ...same } = part as Json;
  // zod repeats the id of a named schema in its definition, where it would be a base URI.
  const kept = typeof id === "string" ? same : (part as Json);
  const entries = Object.entries(kept).map(([key, value]) => [key, renameRefs(value, defs)]);
  const renamed = Object.fromEntries(entries) as Json;
  return name === undefined
    ? renamed
    : { ...renamed, $ref: `${SCHEMA_REF}${nameOf(name, defs[name]!)}` };
}
