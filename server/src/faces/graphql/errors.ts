import { GraphQLError } from "graphql";
import type { Log } from "#kernel/log.ts";
import { Refusal } from "#kernel/refusal.ts";
import { refusalFor } from "../invoke.ts";
import { invalidDocument, syntaxError } from "./refusals.ts";

/** Messages may repeat values of variables. */
const MESSAGE_MAX = 500;

/** An error as the caller gets it: always a refusal with its code. A bug is logged, and told without what it says. */
export function shownError(error: unknown, log: Log, requestId: string): GraphQLError {
  const refusal = refusalOf(error, log, requestId);
  const { code, facts, help, status, step, callId } = refusal;
  const located = error instanceof GraphQLError ? error : undefined;
  const extensions = {
    code,
    step,
    status,
    facts,
    help,
    request_id: requestId,
    ...(callId === undefined ? {} : { call_id: callId }),
  };
  return new GraphQLError(refusal.message, {
    ...(located?.nodes === undefined ? {} : { nodes: located.nodes }),
    ...(located?.source === undefined ? {} : { source: located.source }),
    ...(located?.positions === undefined ? {} : { positions: located.positions }),
    ...(located?.path === undefined ? {} : { path: located.path }),
    extensions,
  });
}

function refusalOf(error: unknown, log: Log, requestId: string): Refusal {
  const chain = chainOf(error);
  const cause = chain.at(-1);
  if (cause instanceof Refusal) return cause;
  if (cause instanceof GraphQLError) {
    // Of the document or its variables: the library says where. What goes wrong with an answer has a path instead.
    const told = chain.find((one) => one.path === undefined && one.locations !== undefined);
    const message = told?.message.slice(0, MESSAGE_MAX);
    if (message !== undefined)
      return told!.nodes === undefined ? syntaxError(message) : invalidDocument(message);
  }
  return refusalFor(cause, log, requestId);
}

/** The library wraps what a resolver or a scalar throws, and adds its place. */
function chainOf(error: unknown): GraphQLError[] {
  const chain = [error as GraphQLError];
  for (let next = error; next instanceof GraphQLError && next.cause !== undefined; )
    chain.push((next = next.cause) as GraphQLError);
  return chain;
}
