import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { newId } from "#kernel/ids.ts";
import { Refusal, STEPS } from "#kernel/refusal.ts";
import {
  badIdempotencyKey,
  IDEMPOTENCY_KEY_MAX,
  type Incoming,
  type Operation,
  type Outcome,
  type Parts,
  run,
} from "#pipeline";
import { answer, problemOf, refusalOf, requestIdOf } from "./problem.ts";

/** One route for one operation. An array for an operation that takes many becomes as many calls. */
export function addOperation(app: FastifyInstance, parts: Parts, operation: Operation): void {
  const [method, path] = operation.rest.split(" ") as ["GET" | "POST" | "PATCH" | "DELETE", string];
  app.route({
    method,
    url: path.replace(/\{(\w+)\}/g, ":$1"),
    async handler(request, reply) {
      const incoming = incomingOf(request);
      if (Array.isArray(request.body) && operation.manyMax !== undefined)
        return answerMany(parts, operation, incoming, request.body, reply);
      try {
        // oxlint-disable-next-line typescript/return-await -- a reply is thenable, and waits for itself to be sent
        return send(reply, await run(parts, operation, { ...incoming, input: inputOf(request) }));
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal.code === "action/failed") throw error;
        return answer(
          reply,
          refusal,
          refusal.code === "request/bad_request_id" ? requestIdOf(request) : incoming.requestId!,
        );
      }
    },
  });
}

/** A preference (RFC 7240) among others; one that is not known is left alone, as the RFC asks. */
const ACK_DURABLE = /(?:^|,)\s*ack="?durable"?\s*(?:;|,|$)/i;

function incomingOf({ headers }: FastifyRequest): Omit<Incoming, "input"> {
  return {
    credential: /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1],
    requestId: (headers["x-request-id"] as string | undefined) ?? newId(),
    idempotencyKey: headers["idempotency-key"] as string | undefined,
    acknowledge: ACK_DURABLE.test(headers["prefer"]?.toString() ?? "") ? "durable" : "published",
  };
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

function send(reply: FastifyReply, outcome: Outcome): FastifyReply {
  const { requestId, id, place, repeated, timings_ms, status, output } = outcome;
  reply.header("X-Request-Id", requestId);
  reply.header("Sealbase-Call", id);
  if (place !== null) reply.header("Sealbase-Entry", `index=${place.index}, size=${place.size}`);
  if (repeated) reply.header("Idempotency-Replayed", "true");
  reply.header(
    "Server-Timing",
    STEPS.map((step) => `${step};dur=${timings_ms[step].toFixed(2)}`).join(", "),
  );
  return reply.code(status).type("application/json; charset=utf-8").send(JSON.stringify(output));
}

/** Items of an array that are on their way at once: enough to share commits, few enough to share the machine. */
const AT_ONCE_MAX = 256;

/** Each item is a call with its own decision, score and entry; the answer has one result an item, in order. */
async function answerMany(
  parts: Parts,
  operation: Operation,
  incoming: Omit<Incoming, "input">,
  inputs: readonly unknown[],
  reply: FastifyReply,
): Promise<FastifyReply> {
  const requestId = incoming.requestId!;
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
      ? { ok: true, status: outcome!.status, output: outcome!.output }
      : { ok: false, status: refusal.status, problem: problemOf(refusal, requestId) },
  );
  return reply.code(207).header("X-Request-Id", requestId).send({ results });
}

async function runOne(
  parts: Parts,
  operation: Operation,
  incoming: Omit<Incoming, "input">,
  input: unknown,
  place: number,
): Promise<{ outcome?: Outcome; refusal?: Refusal }> {
  const { idempotencyKey } = incoming;
  const key = idempotencyKey === undefined ? undefined : `${idempotencyKey}#${place}`;
  try {
    return { outcome: await run(parts, operation, { ...incoming, idempotencyKey: key, input }) };
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal.code === "action/failed")
      parts.log.error({ err: error, request_id: incoming.requestId }, "a call failed");
    return { refusal };
  }
}

const badCount = (count: number, max: number) =>
  new Refusal(
    "request/bad_count",
    400,
    `A call takes 1 to ${max} items, not ${count}`,
    { count, count_max: max },
    `Send at most ${max} items a call.`,
  );
