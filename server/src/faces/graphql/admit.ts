import type { OperationDefinitionNode } from "graphql";
import { Refusal } from "#kernel/refusal.ts";
import { factsOf, type Parts, Suspicion } from "#pipeline";
import type { CallHeaders } from "../incoming.ts";
import { costOf, isIntrospection, type Multipliers } from "./cost.ts";
import type { Document } from "./documents.ts";
import { COST_MAX } from "./limits.ts";
import { hasAlias, rootFields } from "./measure.ts";
import type { Parameters } from "./parameters.ts";
import { introspectionDenied, notAcceptable, onlyByPost, tooCostly, tooMany } from "./refusals.ts";

/** How a request came, as far as it says what may be asked. */
export interface Way {
  readonly method: string;
  /** Undefined where the answer has no media type. */
  readonly accept: string | undefined;
}

const STREAM_TYPES = ["text/event-stream"];
const ANSWER_TYPES = [
  "application/graphql-response+json",
  "application/json",
  "multipart/mixed",
  ...STREAM_TYPES,
];

/** Refuses an operation before any of it is executed. */
export function admit(
  operation: OperationDefinitionNode,
  { fragments }: Document,
  { variables }: Parameters,
  multipliers: Multipliers,
  { method, accept }: Way,
): void {
  const kind = operation.operation;
  if (method === "GET" && kind === "mutation") throw onlyByPost();
  if (kind === "subscription" && accept !== undefined) checkAccept(accept, STREAM_TYPES);
  for (const field of rootFields(operation, fragments).filter(isIntrospection))
    if (hasAlias(field, fragments)) throw tooMany("aliases in introspection", 0);
  const cost = costOf(operation, fragments, multipliers, variables);
  if (cost > COST_MAX) throw tooCostly(cost);
}

export function checkAccept(accept: string, types: readonly string[] = ANSWER_TYPES): void {
  const ranges = accept.split(",").map((part) => part.split(";")[0]!.trim().toLowerCase());
  const fits = (type: string) =>
    [type, `${type.split("/")[0]}/*`, "*/*", ""].some((range) => ranges.includes(range));
  if (!types.some(fits)) throw notAcceptable(types);
}

/** As policies name it: what the schema says is for whom they let read it. */
const READ_SCHEMA = { id: "graphql.schema.read", groups: ["read", "graphql", "graphql.schema"] };

/** What the schema says is for whoever the policies let read it; what else they let the caller do is decided call by call. */
export async function admitIntrospection(
  operation: OperationDefinitionNode,
  { fragments }: Document,
  parts: Parts,
  { credential, requestId, address }: CallHeaders,
): Promise<void> {
  if (!rootFields(operation, fragments).some(isIntrospection)) return;
  try {
    const principal = await parts.authenticate(credential, false);
    const resource = { type: "Project", id: principal.tenantId };
    const context = factsOf(principal, { address, time_ms: parts.clock() });
    const question = { principal, action: READ_SCHEMA, resource, context };
    if (!(await parts.policy.allows(principal, question))) throw introspectionDenied();
  } catch (error) {
    if (error instanceof Suspicion) parts.suspicions.add(error, requestId);
    else if (!(error instanceof Refusal) || error.status !== 401) throw error;
    throw introspectionDenied();
  }
}
