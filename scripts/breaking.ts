/**
 * What a change of `contract/` takes away from programs that were written against it.
 *
 *     node scripts/breaking.ts        compares with the last tag; fails unless the version says that it breaks
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BreakingChangeType, buildSchema, findSchemaChanges } from "graphql";

const ROOT = join(import.meta.dirname, "..");

export type Json = Record<string, unknown>;

/** One interface in two states, and what the new one does not keep of the old. */
export function openapiBreaks(before: Json, after: Json): string[] {
  const operations = operationsOf(after);
  return [...operationsOf(before)].flatMap(([name, old]) => {
    const now = operations.get(name);
    if (now === undefined) return [`${name} is gone`];
    if (now.at !== old.at) return [`${name} moved from ${old.at} to ${now.at}`];
    return [
      ...inputBreaks(name, old.inputs, now.inputs, before, after),
      ...outputBreaks(`${name} output`, old.output, now.output, before, after),
      ...old.codes
        .filter((code) => !now.codes.includes(code))
        .map((code) => `${name} is no longer refused with ${code}`),
    ];
  });
}

interface Known {
  readonly at: string;
  /** By name; whether it must be given. */
  readonly inputs: ReadonlyMap<string, { readonly schema: Json; readonly required: boolean }>;
  readonly output: Json;
  readonly codes: readonly string[];
}

function operationsOf(document: Json): Map<string, Known> {
  const found = new Map<string, Known>();
  for (const [path, methods] of Object.entries((document["paths"] ?? {}) as Json))
    for (const [method, described] of Object.entries(methods as Json)) {
      const operation = described as Json;
      found.set(operation["operationId"] as string, {
        at: `${method.toUpperCase()} ${path}`,
        inputs: inputsOf(operation, document),
        output: outputOf(operation),
        codes: codesOf(operation, document),
      });
    }
  return found;
}

function inputsOf(operation: Json, document: Json): Known["inputs"] {
  const inputs = new Map<string, { schema: Json; required: boolean }>();
  for (const { name, schema, required = false } of (operation["parameters"] ?? []) as {
    name: string;
    schema: Json;
    required?: boolean;
  }[])
    inputs.set(name, { schema, required });
  const body = at(operation, "requestBody", "content", "application/json", "schema");
  const one = resolved(((body["oneOf"] as Json[] | undefined) ?? [body])[0]!, document);
  const needed = (one["required"] ?? []) as string[];
  for (const [name, schema] of Object.entries((one["properties"] ?? {}) as Record<string, Json>))
    inputs.set(name, { schema, required: needed.includes(name) });
  return inputs;
}

function outputOf(operation: Json): Json {
  const done = Object.entries(at(operation, "responses")).find(([status]) =>
    status.startsWith("2"),
  );
  const [content] = Object.values(at((done?.[1] ?? {}) as Json, "content"));
  return at((content ?? {}) as Json, "schema");
}

function codesOf(operation: Json, document: Json): string[] {
  return Object.values(at(operation, "responses")).flatMap((response) => {
    const content = at(resolved(response as Json, document), "content", "application/problem+json");
    const parts = (at(content, "schema")["allOf"] ?? []) as Json[];
    return parts.flatMap((part) => (at(part, "properties", "code")["enum"] ?? []) as string[]);
  });
}

function inputBreaks(
  name: string,
  before: Known["inputs"],
  after: Known["inputs"],
  old: Json,
  now: Json,
): string[] {
  const gone = [...before.keys()]
    .filter((field) => !after.has(field))
    .map((field) => `${name} takes no ${field} any more`);
  const changed = [...after].flatMap(([field, { schema, required }]) => {
    const known = before.get(field);
    if (known === undefined) return required ? [`${name} now needs ${field}`] : [];
    const needs = required && !known.required ? [`${name} now needs ${field}`] : [];
    const narrower = narrowed(resolved(known.schema, old), resolved(schema, now));
    return [...needs, ...narrower.map((why) => `${name} takes less as ${field}: ${why}`)];
  });
  return [...gone, ...changed];
}

/** Limits that let fewer values in than before. */
function narrowed(before: Json, after: Json): string[] {
  const found: string[] = [];
  const more = (key: string) => numberOf(after, key, -Infinity) > numberOf(before, key, -Infinity);
  const less = (key: string) => numberOf(after, key, Infinity) < numberOf(before, key, Infinity);
  for (const key of ["minimum", "minLength", "minItems"]) if (more(key)) found.push(key);
  for (const key of ["maximum", "maxLength", "maxItems"]) if (less(key)) found.push(key);
  const taken = typesOf(after);
  for (const type of typesOf(before)) if (!taken.includes(type)) found.push(`no ${type}`);
  const values = after["enum"] as unknown[] | undefined;
  if (values !== undefined)
    for (const value of (before["enum"] as unknown[] | undefined) ?? ["any other value"])
      if (!values.includes(value)) found.push(`not ${String(value)}`);
  if (after["pattern"] !== undefined && after["pattern"] !== before["pattern"])
    found.push("another pattern");
  return found;
}

function outputBreaks(where: string, before: Json, after: Json, old: Json, now: Json): string[] {
  const [was, is] = [resolved(before, old), resolved(after, now)];
  const added = typesOf(is).filter(
    (type) => typesOf(was).length > 0 && !typesOf(was).includes(type),
  );
  if (added.length > 0) return [`${where} may now be ${added.join(", ")}`];
  const fields = Object.entries((was["properties"] ?? {}) as Record<string, Json>);
  const inItems =
    was["items"] === undefined || is["items"] === undefined
      ? []
      : outputBreaks(`${where}[]`, was["items"] as Json, is["items"] as Json, old, now);
  return fields
    .flatMap(([name, field]) => {
      const found = ((is["properties"] ?? {}) as Record<string, Json>)[name];
      if (found === undefined) return [`${where}.${name} is gone`];
      const isOptional = (schema: Json) => !((schema["required"] ?? []) as string[]).includes(name);
      const lost = isOptional(is) && !isOptional(was) ? [`${where}.${name} may now be absent`] : [];
      return [...lost, ...outputBreaks(`${where}.${name}`, field, found, old, now)];
    })
    .concat(inItems);
}

const numberOf = (schema: Json, key: string, otherwise: number): number =>
  (schema[key] as number | undefined) ?? otherwise;

/** The JSON types that a schema allows; none when it says nothing about them. */
function typesOf({ type, anyOf }: Json): string[] {
  if (Array.isArray(anyOf)) return (anyOf as Json[]).flatMap(typesOf);
  if (Array.isArray(type)) return type as string[];
  return typeof type === "string" ? [type] : [];
}

function resolved(schema: Json, document: Json): Json {
  const ref = schema["$ref"];
  if (typeof ref !== "string") return schema;
  return at(document, ...ref.slice(2).split("/"));
}

const at = (value: Json, ...path: string[]): Json =>
  path.reduce<Json>((inner, key) => (inner[key] ?? {}) as Json, value);

/** Tools are gone, or need or lose arguments. */
export function toolBreaks(before: readonly Json[], after: readonly Json[]): string[] {
  const now = new Map(after.map((tool) => [tool["name"], tool]));
  return before.flatMap((tool) => {
    const found = now.get(tool["name"]);
    if (found === undefined) return [`tool ${String(tool["name"])} is gone`];
    const required = (one: Json) => (at(one, "inputSchema")["required"] ?? []) as string[];
    return required(found)
      .filter((name) => !required(tool).includes(name))
      .map((name) => `tool ${String(tool["name"])} now needs ${name}`);
  });
}

const BREAKING = new Set<string>(Object.values(BreakingChangeType));

export const graphqlBreaks = (before: string, after: string): string[] =>
  findSchemaChanges(buildSchema(before), buildSchema(after))
    .filter(({ type }) => BREAKING.has(type))
    .map(({ description }) => description);

/** Whether a version may break what the one before promised: the first number that is not 0 has grown. */
export function mayBreak(before: string, after: string): boolean {
  const [old, now] = [before, after].map((version) => version.split(".").map(Number));
  const leading = old!.findIndex((number) => number > 0);
  return old!.slice(0, leading + 1).some((number, i) => now![i]! > number);
}

function main(): number {
  const tag = git("describe", "--tags", "--abbrev=0");
  if (tag === undefined) {
    console.log("nothing was released yet");
    return 0;
  }
  const was = (path: string): string => git("show", `${tag}:${path}`) ?? "";
  const is = (path: string): string => readFileSync(join(ROOT, path), "utf8");
  const json = (text: string) => JSON.parse(text === "" ? "{}" : text);
  const openapi = "contract/openapi.json";
  const tools = "contract/mcp-tools.json";
  const schema = "contract/schema.graphql";
  const toolsOf = (text: string): Json[] => json(text).tools ?? [];
  const breaks = [
    ...openapiBreaks(json(was(openapi)), json(is(openapi))),
    ...toolBreaks(toolsOf(was(tools)), toolsOf(is(tools))),
    ...(was(schema) === "" ? [] : graphqlBreaks(was(schema), is(schema))),
  ];
  for (const line of breaks) console.log(line);
  if (breaks.length === 0) return 0;
  const versions = [was("package.json"), is("package.json")].map((text) => json(text).version);
  if (mayBreak(versions[0], versions[1])) return 0;
  console.log(
    `${breaks.length} breaks since ${tag}: take them back, or raise the version of package.json`,
  );
  return 1;
}

const OUTPUT_MAX = 2 ** 26;

function git(...words: string[]): string | undefined {
  const { status, stdout } = spawnSync("git", words, {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: OUTPUT_MAX,
  });
  return status === 0 ? stdout.trimEnd() : undefined;
}

if (import.meta.main) process.exitCode = main();
