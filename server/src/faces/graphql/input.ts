import { type Json, SCHEMA_REF } from "../json-schema.ts";
import { type Drawn, withoutNull } from "./types.ts";

/**
 * Arguments as the operation's input. Whatever may be left out may be null in GraphQL, so a null that the operation does
 * not know means that it was left out.
 */
export function inputOf(given: unknown, { schema, named }: Drawn): unknown {
  const { one } = withoutNull(schema);
  if (one === undefined || typeof given !== "object" || given === null) return given;
  const ref = one["$ref"];
  if (typeof ref === "string") {
    const part = named[ref.slice(SCHEMA_REF.length)];
    return part === undefined ? given : inputOf(given, { schema: part, named });
  }
  if (Array.isArray(given)) {
    const items = one["items"] as Json | undefined;
    return items === undefined
      ? given
      : given.map((item) => inputOf(item, { schema: items, named }));
  }
  const properties = one["properties"] as Record<string, Json> | undefined;
  if (properties === undefined) return given;
  const entries = Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .filter(([name, value]) => value !== null || knowsNull(properties[name]))
    .map(([name, value]) => [name, valueOf(value, properties[name], named)]);
  return Object.fromEntries(entries);
}

const knowsNull = (schema: Json | undefined): boolean =>
  schema === undefined || withoutNull(schema).nullable;

const valueOf = (value: unknown, schema: Json | undefined, named: Drawn["named"]): unknown =>
  schema === undefined ? value : inputOf(value, { schema, named });
