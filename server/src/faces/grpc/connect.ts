import type { FastifyInstance } from "fastify";
import type { Operation, Parts } from "#pipeline";
import type { System } from "../system.ts";

/** Connect and gRPC-Web on the HTTP port, at the same paths as gRPC's. Loaded with the first call. */
export function addConnect(
  app: FastifyInstance,
  parts: Parts,
  operations: readonly Operation[],
  health: System["health"],
): void {
  const stopping = new AbortController();
  let opened: ReturnType<typeof open> | undefined;
  const open = async () => {
    const [{ routesOf }, { answer }] = await Promise.all([
      import("./routes.ts"),
      import("./answer.ts"),
    ]);
    const source = { parts, operations, health, stopping: stopping.signal };
    return { routes: routesOf(source, { grpc: false }), answer };
  };
  app.addHook("preClose", async () => stopping.abort());
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // The body is read by the face itself, whatever it is.
    scope.addContentTypeParser("*", (_request, _body, done) => done(null));
    scope.post("/:service(^sealbase\\.v1\\.\\w+$)/:method", async (request, reply) => {
      const { routes, answer } = await (opened ??= open());
      // What others have said already (for pages of another origin) is written with our own head.
      for (const [name, value] of Object.entries(reply.getHeaders()))
        if (value !== undefined) reply.raw.setHeader(name, value);
      reply.hijack();
      await answer(routes, request.raw, reply.raw);
    });
  });
}
