import type { FastifyInstance } from "fastify";
import type { Metrics } from "#kernel/metrics.ts";

/** Why this server should get no calls now; empty when it should. */
export type Health = () => Promise<readonly string[]>;

/** For whoever runs the server. No sign-in: nothing here is about a project. */
export function addHealth(app: FastifyInstance, { registry }: Metrics, health: Health): void {
  app.get("/livez", async () => ({ live: true }));
  app.get("/readyz", async (_, reply) => {
    const reasons = await health();
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .send({ ready: reasons.length === 0, reasons });
  });
  app.get("/metrics", async (_, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
