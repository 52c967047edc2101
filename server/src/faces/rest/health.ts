import type { FastifyInstance } from "fastify";
import type { HealthReport } from "#kernel/health.ts";
import type { Metrics } from "#kernel/metrics.ts";

/** Whether this server should get calls now, and what is wrong. */
export type Health = () => Promise<HealthReport>;

/** For whoever runs the server. No sign-in: nothing here is about a project but the names of logs that are refused. */
export function addHealth(app: FastifyInstance, { registry }: Metrics, health: Health): void {
  app.get("/livez", async () => ({ live: true }));
  app.get("/readyz", async (_, reply) => {
    const found = await health();
    const ready = found.state !== "down";
    return reply.code(ready ? 200 : 503).send({ ready, ...found });
  });
  app.get("/metrics", async (_, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
