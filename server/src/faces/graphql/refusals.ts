import { Refusal } from "#kernel/refusal.ts";
import { BRACKETS_DEPTH_MAX, COST_MAX, DOCUMENT_CHARACTERS_MAX, TOKENS_MAX } from "./limits.ts";

export const badParameter = (parameter: string, expected: string) =>
  new Refusal(
    "request/graphql_bad_parameter",
    400,
    `${parameter} must be ${expected}`,
    { parameter, expected },
    "Send { query, variables, operationName, extensions } as GraphQL over HTTP has them.",
  );

export const noBatches = () =>
  new Refusal(
    "request/graphql_batch",
    400,
    "Arrays of GraphQL requests are not taken",
    {},
    "Put several fields into one document, or send several requests.",
  );

export const encodedBody = (encoding: string) =>
  new Refusal(
    "request/unsupported_encoding",
    415,
    "Compressed bodies are not read",
    { content_encoding: encoding.slice(0, 100) },
    "Send the body without Content-Encoding.",
  );

export const syntaxError = (message: string) =>
  new Refusal(
    "request/graphql_syntax",
    400,
    message,
    {},
    "Correct the document at the place that `locations` names.",
  );

export const invalidDocument = (message: string) =>
  new Refusal(
    "request/graphql_invalid",
    400,
    message,
    {},
    "Compare the document and its variables with contract/schema.graphql.",
  );

export const tooLong = (characters: number) =>
  new Refusal(
    "request/graphql_too_long",
    400,
    "The document is too long",
    { characters, characters_max: DOCUMENT_CHARACTERS_MAX, tokens_max: TOKENS_MAX },
    "Send values as variables, and fewer fields a document.",
  );

export const tooDeep = (what: string, max: number) =>
  new Refusal(
    "request/graphql_too_deep",
    400,
    `The document has ${what} nested deeper than ${max}`,
    { what, depth_max: max, brackets_depth_max: BRACKETS_DEPTH_MAX },
    "Ask for fewer levels.",
  );

export const tooMany = (what: string, max: number) =>
  new Refusal(
    "request/graphql_too_many",
    400,
    `The document has more than ${max} ${what}`,
    { what, count_max: max },
    "Split the document.",
  );

export const tooCostly = (cost: number) =>
  new Refusal(
    "request/graphql_too_costly",
    400,
    `The document costs ${cost}, more than ${COST_MAX}`,
    { cost, cost_max: COST_MAX },
    "Ask for smaller pages (`first`), fewer fields or fewer calls a document.",
  );

export const unknownOperation = () =>
  new Refusal(
    "request/graphql_unknown_operation",
    400,
    "The document has no such operation, or several and operationName names none",
    {},
    "Set operationName to the name of one operation of the document.",
  );

export const onlyByPost = () =>
  new Refusal(
    "request/graphql_only_by_post",
    405,
    "Only queries can be sent with GET",
    { methods: ["POST"] },
    "Send the document with POST.",
  );

/** The message is what clients of the protocol look for. */
export const persistedQueryMissing = () =>
  new Refusal(
    "request/graphql_persisted_query_missing",
    404,
    "PersistedQueryNotFound",
    {},
    "Send the document together with its hash.",
  );

export const persistedQueryMismatch = () =>
  new Refusal(
    "request/graphql_persisted_query_mismatch",
    400,
    "The document does not have the hash that was sent with it",
    {},
    "Send the SHA-256 of the document's UTF-8 as sha256Hash, in lower-case hex, with version 1.",
  );

export const introspectionDenied = () =>
  new Refusal(
    "policy/introspection_denied",
    403,
    "The policies do not let this caller read the schema",
    { action: "graphql.schema.read" },
    "Send `Authorization: Bearer sk_…` of an account that policies let do graphql.schema.read, or read contract/schema.graphql.",
  );

export const notAcceptable = (accepted: readonly string[]) =>
  new Refusal(
    "request/not_acceptable",
    406,
    "No media type that is accepted fits the answer",
    { accepted },
    "Accept one of the types in `accepted`; a subscription needs text/event-stream.",
  );

export const badCount = (count: number, max: number) =>
  new Refusal(
    "request/bad_count",
    400,
    `A call takes 1 to ${max} items, not ${count}`,
    { count, count_max: max },
    `Send at most ${max} items a call.`,
  );
