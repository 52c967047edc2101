import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { Refusal, STEPS } from "#kernel/refusal.ts";
import {
  badIdempotencyKey,
  etagOf,
  IDEMPOTENCY_KEY_MAX,
  namesTag,
  type Operation,
  type Outcome,
  type Parts,
} from "#pipeline";
import { closingSignal } from "../closing.ts";
import { type CallHeaders, callOf, leavingSignal } from "../incoming.ts";
import { invoke, type Result } from "../invoke.ts";
import { answer, problemOf, requestIdOf } from "./problem.ts";
import { answerStream } from "./stream.ts";

/** One route for one operation. An array for an operation that takes many becomes as many calls. */
export function addOperation(app: FastifyInstance, parts: Parts, operation: Operation): void {
  const [method, path] = operation.rest.split(" ") as ["GET" | "POST" | "PATCH" | "DELETE", string];
  const closing = closingSignal(app);
  app.route({
    method,
    url: path.replace(/\{(\w+)\}/g, ":$1"),
    async handler(request, reply) {
      const incoming = callOf(parts, request.raw);
      if (Array.isArray(request.body) && operation.manyMax !== undefined)
        return answerMany(parts, operation, incoming, request.body, reply);
      const input = inputOf(request);
      if (operation.kind === "stream")
        return answerStream(
          parts,
          operation,
          { ...incoming, input, signal: closing },
          request,
          reply,
        );
      // A call that shares its commit with others is not stopped on its way.
      const signal = operation.record === undefined ? leavingSignal(reply.raw) : undefined;
      const result = await invoke(parts, operation, { ...incoming, input, signal });
      if (result.refusal === undefined) return send(request, reply, operation, result.outcome);
      return answer(reply, result.refusal, requestIdOf(request, incoming.requestId));
    },
  });
}

/** Path, query and body as one input; a name in two places is refused as an unknown field would be. */
function inputOf({ method, params, query, body }: FastifyRequest): unknown {
  const fromPath = params as Record<string, string>;
  const rest = method === "GET" || method === "DELETE" ? query : (body ?? {});
  if (typeof rest !== "object" || rest === null || Array.isArray(rest)) return rest;
  for (const name of Object.keys(fromPath))
    if (Object.hasOwn(rest, name)) return { ...rest, [`${name} (in path and body)`]: "" };
  return { ...rest, ...fromPath };
}

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  operation: Operation,
  outcome: Outcome,
): FastifyReply {
  const { requestId, id, place, repeated, timings_ms, status, output } = outcome;
  reply.header("X-Request-Id", requestId);
  reply.header("Sealbase-Call", id);
  if (place !== null) {
    reply.header("Sealbase-Entry", `index=${place.index}, size=${place.size}`);
    reply.header("Link", `</v1/ledger/entries/${id}/receipt>; rel="receipt"`);
  }
  if (status === 202) reply.header("Location", `/v1/jobs/${(output as { id: string }).id}`);
  if (repeated) reply.header("Idempotency-Replayed", "true");
  reply.header(
    "Server-Timing",
    STEPS.map((step) => `${step};dur=${timings_ms[step].toFixed(2)}`).join(", "),
  );
  if (operation.kind === "read" || operation.current !== undefined) {
    const etag = etagOf(output);
    reply.header("ETag", etag);
    if (request.method === "GET" && namesTag(request.headers["if-none-match"] ?? "", etag))
      return reply.code(304).send();
  }
  return reply.code(status).type("application/json; charset=utf-8").send(JSON.stringify(output));
}

/** Items of an array that are on their way at once: enough to share commits, few enough to share the machine. */
const AT_ONCE_MAX = 256;

/** Each item is a call with its own decision, score and entry; the answer has one result an item, in order. */
async function answerMany(
  parts: Parts,
  operation: Operation,
  incoming: CallHeaders,
  inputs: readonly unknown[],
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { requestId } = incoming;
  if (inputs.length === 0 || inputs.length > operation.manyMax!)
    return answer(reply, badCount(inputs.length, operation.manyMax!), requestId);
  const longestKey = `${incoming.idempotencyKey ?? ""}#${inputs.length}`;
  if (longestKey.length > IDEMPOTENCY_KEY_MAX) return answer(reply, badIdempotencyKey(), requestId);
  // One bad key or request id concerns all of them: the first item tells before the others start.
  const first = await runOne(parts, operation, incoming, inputs[0], 0);
  if (
    first.refusal?.code === "request/unauthenticated" ||
    first.refusal?.code.startsWith("request/bad_")
  )
    return answer(reply, first.refusal, requestIdOf(reply.request));
  const done = [first];
  while (done.length < inputs.length) {
    const slice = inputs.slice(done.length, done.length + AT_ONCE_MAX);
    done.push(
      ...(await Promise.all(
        slice.map((input, i) => runOne(parts, operation, incoming, input, done.length + i)),
      )),
    );
  }
  const results = done.map(({ outcome, refusal }) =>
    refusal === undefined
      ? { ok: true, status: outcome.status, output: outcome.output }
      : { ok: false, status: refusal.status, problem: problemOf(refusal, requestId) },
  );
  return reply.code(207).header("X-Request-Id", requestId).send({ results });
}

function runOne(
  parts: Parts,
  operation: Operation,
  incoming: CallHeaders,
  input: unknown,
  place: number,
): Promise<Result> {
  const { idempotencyKey } = incoming;
  const key = idempotencyKey === undefined ? undefined : `${idempotencyKey}#${place}`;
  return invoke(parts, operation, { ...incoming, idempotencyKey: key, input });
}

const badCount = (count: number, max: number) =>
  new Refusal(
    "request/bad_count",
    400,
    `A call takes 1 to ${max} items, not ${count}`,
    { count, count_max: max },
    `Send at most ${max} items a call.`,
  );
