import { type Diagnostic, diagnosticOf, plain } from "./diagnostics.ts";
import { cedar, jsonError } from "./policies.ts";
import { badSchema } from "./refusals.ts";
import { boundSchema } from "./statements.ts";

/** Cedar's JSON form: by namespace. */
export type SchemaJson = Readonly<Record<string, unknown>>;

/**
 * A project's own schema, as text or as JSON, joined to the platform's: what both declare is refused, and it may name
 * the platform's types and action groups. Null: the platform's alone.
 */
export async function joinSchema(
  platform: SchemaJson,
  own: string | SchemaJson | null,
): Promise<SchemaJson> {
  if (own === null) return platform;
  const text = typeof own === "string" ? own : await schemaText(own);
  boundSchema(text);
  // The project's text comes first, so that positions are those in it.
  const answer = await cedar.call("schemaToJson", `${text}\n${await platformText(platform)}`);
  if (answer.type === "success") return answer.json;
  throw badSchema(answer.errors.map((error) => within(text, diagnosticOf(error, { text }))));
}

/** It is one object as long as the process lives. */
async function platformText(platform: SchemaJson): Promise<string> {
  let text = texts.get(platform);
  if (text === undefined) {
    text = await schemaText(platform);
    texts.set(platform, text);
  }
  return text;
}

const texts = new WeakMap<SchemaJson, string>();

/** The text of a schema in JSON. */
export async function schemaText(schema: SchemaJson): Promise<string> {
  const message = jsonError(schema);
  if (message !== null) throw badSchema([plain(message)]);
  const answer = await cedar.call("schemaToText", schema);
  if (answer.type === "failure")
    throw badSchema(answer.errors.map(({ message, help }) => plain(message, null, help)));
  return answer.text;
}

/** A place behind the project's own text is one of the platform's, which its author has not before them. */
function within(text: string, found: Diagnostic): Diagnostic {
  const lines = text.split(/\r\n|\r|\n/).length;
  if (found.line === null || found.line <= lines) return found;
  return { ...found, line: null, column: null, excerpt: null };
}
