import type { ExecutionResult, GraphQLSchema, OperationDefinitionNode } from "graphql";
import type { Operation, Parts } from "#pipeline";
import { admit, admitIntrospection, type Way } from "./admit.ts";
import type { Asking } from "./call.ts";
import { multipliersOf } from "./cost.ts";
import { type Document, Documents, operationOf } from "./documents.ts";
import { shownError } from "./errors.ts";
import { rootFields } from "./measure.ts";
import type { Parameters } from "./parameters.ts";
import { graphqlSchema } from "./schema.ts";

/** What GraphQL over HTTP and over WebSockets share. */
export interface Face {
  readonly schema: GraphQLSchema;
  readonly hideSuggestions: boolean;
  /** The document that is to be executed. Throws when it may not be. */
  admit(parameters: Parameters, asking: Asking, way: Way): Promise<Admitted>;
}

export interface Admitted {
  readonly document: Document;
  readonly operation: OperationDefinitionNode;
}

export function openFace(
  parts: Parts,
  operations: readonly Operation[],
  development: boolean,
): Face {
  const schema = graphqlSchema(operations);
  const multipliers = multipliersOf(operations);
  const documents = new Documents(schema, !development);
  return {
    schema,
    hideSuggestions: !development,
    async admit(parameters, asking, way) {
      const document = documents.find(parameters);
      const operation = operationOf(document, parameters);
      admit(operation, document, parameters, multipliers, way);
      if (!development) await admitIntrospection(operation, document, parts, asking.headers);
      if (operation.operation === "mutation") asking.mutations = namesOf(operation, document);
      return { document, operation };
    },
  };
}

/** As the document has them, skipped or not: the same document gives each mutation the same key again. */
const namesOf = (operation: OperationDefinitionNode, { fragments }: Document): string[] => [
  ...new Set(rootFields(operation, fragments).map(({ alias, name }) => (alias ?? name).value)),
];

/** A result as the caller gets it: refusals for errors, and facts of the calls that were made since the last one. */
export function shownResult(
  { data, errors, extensions }: ExecutionResult,
  { parts, headers, calls }: Asking,
): ExecutionResult {
  const done = calls.splice(0);
  return {
    ...(errors === undefined || errors.length === 0
      ? {}
      : { errors: errors.map((error) => shownError(error, parts.log, headers.requestId)) }),
    ...(data === undefined ? {} : { data }),
    ...(done.length === 0 ? {} : { extensions: { ...extensions, sealbase: { calls: done } } }),
  };
}

/** A subscription's results, each as the caller gets it; a refusal ends them. */
export async function* shownResults(
  results: AsyncIterable<ExecutionResult>,
  asking: Asking,
): AsyncGenerator<ExecutionResult> {
  try {
    for await (const result of results) yield shownResult(result, asking);
  } catch (error) {
    yield { errors: [shownError(error, asking.parts.log, asking.headers.requestId)] };
  }
}
