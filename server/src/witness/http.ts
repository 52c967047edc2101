import { type FastifyInstance, fastify } from "fastify";
import { Counter, Gauge, Registry } from "prom-client";
import type { Log as Logger } from "#kernel/log.ts";
import { fromUtf8, SIZE_TYPE } from "#verifier";
import type { Store } from "./store.ts";
import type { Answer, Witness } from "./witness.ts";

/** A checkpoint with a hundred signatures and the longest proof fits; of the largest notes of post-quantum keys some would not. */
const BODY_BYTES_MAX = 64 * 1_024;
const REQUEST_MS = 10_000;
const CONNECTIONS_MAX = 1_000;
const TEXT = "text/plain; charset=utf-8";

export interface HttpParts {
  readonly witness: Witness;
  readonly store: Store;
  readonly vkey: string;
  readonly log: Logger;
}

/** The witness over HTTP: `add-checkpoint` for logs (c2sp.org/tlog-witness), and reads for everybody. */
export function openWitnessHttp({ witness, store, vkey, log }: HttpParts): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_MS,
    http: { headersTimeout: REQUEST_MS, connectionsCheckingInterval: 1_000 },
    forceCloseConnections: "idle",
    logger: false,
  });
  app.server.maxConnections = CONNECTIONS_MAX;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));
  const metrics = openWitnessMetrics(store);

  app.post("/add-checkpoint", async ({ body }, reply) => {
    const text = textOf(body);
    const answer: Answer =
      text === undefined ? { status: 400, why: "the body is not UTF-8" } : await witness.add(text);
    metrics.requests.inc({ status: String(answer.status) });
    reply.code(answer.status);
    if (answer.status === 200) return reply.type(TEXT).send(answer.cosignature);
    if (answer.status === 429) reply.header("retry-after", "1");
    if ("size" in answer) return reply.type(SIZE_TYPE).send(`${answer.size}\n`);
    return reply.type(TEXT).send(`${answer.why}\n`);
  });
  app.get<{ Querystring: { origin?: string } }>("/checkpoint", async ({ query }, reply) => {
    const note = await witness.newest(String(query.origin ?? ""));
    return note === undefined ? reply.callNotFound() : reply.type(TEXT).send(note);
  });
  app.get("/evidence", async () => ({
    evidence: (await store.forks()).map((name) => ({ path: `/evidence/${name}` })),
  }));
  app.get<{ Params: { name: string } }>("/evidence/:name", async ({ params }, reply) => {
    const fork = await store.fork(params.name);
    return fork === undefined ? reply.callNotFound() : reply.type(TEXT).send(fork);
  });
  app.get("/key", async (_, reply) => reply.type(TEXT).send(`${vkey}\n`));
  app.get("/livez", async () => ({ live: true }));
  app.get("/metrics", async (_, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  app.setNotFoundHandler((_, reply) => reply.code(404).type(TEXT).send("nothing is here\n"));
  app.setErrorHandler((error: { statusCode?: number; message: string }, _, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ err: error }, "a request failed");
    const why = status >= 500 ? "the witness failed; its log says why" : error.message;
    return reply.code(status).type(TEXT).send(`${why}\n`);
  });
  return app;
}

function textOf(body: unknown): string | undefined {
  try {
    return fromUtf8(body instanceof Uint8Array ? body : new Uint8Array());
  } catch {
    return undefined;
  }
}

function openWitnessMetrics(store: Store) {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: "sealbase_witness_answers_total",
    help: "Answers to add-checkpoint by status.",
    labelNames: ["status"],
    registers,
  });
  const forks: Gauge = new Gauge({
    name: "sealbase_witness_forks",
    help: "Forks that there is evidence of.",
    registers,
    collect: async () => forks.set((await store.forks()).length),
  });
  return { registry, requests };
}
