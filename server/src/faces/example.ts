import type { Json } from "./json-schema.ts";

const FORMATS: Record<string, string> = {
  uuid: "01a1fd3b-0134-710e-a451-6c7a5384ff4e",
  "date-time": "2026-11-21T08:31:05.012Z",
  uri: "https://app.example/hook",
};

/**
 * A small value that fits a JSON Schema: its own example or default when it has one, else the first or least of what is
 * allowed. `named` holds what `$ref` refers to.
 */
export function exampleOf(schema: Json, named: Readonly<Record<string, Json>>): unknown {
  const { $ref, examples, anyOf, oneOf, const: only } = schema as Record<string, unknown>;
  if (Array.isArray(examples)) return examples[0];
  if (schema["default"] !== undefined) return schema["default"];
  if (only !== undefined) return only;
  if (Array.isArray(schema["enum"])) return (schema["enum"] as unknown[])[0];
  if (typeof $ref === "string") {
    const name = $ref.slice($ref.lastIndexOf("/") + 1);
    // Any JSON will do, and a recursive schema would never end.
    return name === "Json" ? {} : exampleOf(named[name] ?? {}, named);
  }
  const first = ((anyOf ?? oneOf) as Json[] | undefined)?.[0];
  if (first !== undefined) return exampleOf(first, named);
  return plain(schema, named);
}

function plain(schema: Json, named: Readonly<Record<string, Json>>): unknown {
  const { type, format, minimum, minItems, items, properties } = schema as {
    type?: string | string[];
    format?: string;
    minimum?: number;
    minItems?: number;
    items?: Json;
    properties?: Record<string, Json>;
  };
  switch (Array.isArray(type) ? type[0] : type) {
    case "object": {
      const fields = Object.entries(properties ?? {});
      return Object.fromEntries(fields.map(([name, field]) => [name, exampleOf(field, named)]));
    }
    case "array":
      return (minItems ?? 0) > 0 && items !== undefined ? [exampleOf(items, named)] : [];
    case "integer":
    case "number":
      return Math.max(minimum ?? 0, 0);
    case "boolean":
      return true;
    case "string":
      return FORMATS[format ?? ""] ?? "text";
    default:
      return null;
  }
}
