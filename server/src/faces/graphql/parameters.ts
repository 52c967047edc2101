import type { FastifyRequest } from "fastify";
import { DEPTH_MAX, depthOf, readJson } from "../rest/json.ts";
import { badParameter, noBatches } from "./refusals.ts";

/** A GraphQL request, whichever way it came. */
export interface Parameters {
  /** Undefined when a persisted document is asked for by its hash. */
  readonly query: string | undefined;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly extensions: Readonly<Record<string, unknown>>;
}

export function parametersOf({ method, query, body }: FastifyRequest): Parameters {
  if (method !== "GET") return readParameters(body);
  const { variables, extensions, ...same } = query as Record<string, unknown>;
  return readParameters({
    ...same,
    variables: fromUrl("variables", variables),
    extensions: fromUrl("extensions", extensions),
  });
}

export function readParameters(given: unknown): Parameters {
  if (Array.isArray(given)) throw noBatches();
  if (!isObject(given)) throw badParameter("The body", "an object");
  const { query, operationName, variables, extensions } = given;
  const read = {
    query: textOf("query", query) || undefined,
    operationName: textOf("operationName", operationName) || undefined,
    variables: objectOf("variables", variables),
    extensions: objectOf("extensions", extensions),
  };
  if (read.query === undefined && read.extensions["persistedQuery"] === undefined)
    throw badParameter("query", "a string");
  return read;
}

function textOf(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  throw badParameter(name, "a string");
}

function objectOf(name: string, value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (isObject(value)) return value;
  throw badParameter(name, "an object");
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function fromUrl(name: string, text: unknown): unknown {
  if (text === undefined || text === "") return undefined;
  if (typeof text !== "string" || depthOf(text) > DEPTH_MAX) throw badParameter(name, JSON_OBJECT);
  try {
    return readJson(text);
  } catch {
    throw badParameter(name, JSON_OBJECT);
  }
}

const JSON_OBJECT = `a JSON object, at most ${DEPTH_MAX} deep and without __proto__ keys`;
