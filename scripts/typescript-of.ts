/** JSON Schema as TypeScript: the part of it that operations use. What it does not know is an error, not `any`. */

export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly $ref?: string;
}

/** The type of what a schema describes; a reference becomes the last part of its path. */
export function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined)
    return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return [...new Set(alternatives.map(typeOf))].join(" | ");
  if (Array.isArray(schema.type))
    return schema.type.map((type) => typeOf({ ...schema, type })).join(" | ");
  switch (schema.type) {
    case "string":
    case "boolean":
    case "null":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return `readonly (${typeOf(schema.items ?? {})})[]`;
    case "object":
      return objectType(schema);
    default:
      throw new Error(`no TypeScript is known for the schema ${JSON.stringify(schema)}`);
  }
}

function objectType({ properties, required, additionalProperties }: Schema): string {
  if (properties !== undefined) {
    const lines = Object.entries(properties).map(([name, property]) => {
      const sign = required?.includes(name) === true ? "" : "?";
      return `${docOf(property)}readonly ${JSON.stringify(name)}${sign}: ${typeOf(property)};\n`;
    });
    return lines.length === 0 ? "Record<string, never>" : `{\n${lines.join("")}}`;
  }
  if (typeof additionalProperties === "object")
    return `{ readonly [name: string]: ${typeOf(additionalProperties)} }`;
  throw new Error("an object without properties needs a schema for its values");
}

function docOf(schema: Schema): string {
  const preset = schema.default === undefined ? "" : `default ${JSON.stringify(schema.default)}`;
  return doc([schema.description ?? "", preset].filter((text) => text !== "").join("; "));
}

/** A comment above a declaration, or nothing for no text. */
export const doc = (text: string): string =>
  text === "" ? "" : `/** ${text.replaceAll("*/", "*\\/")} */\n`;
