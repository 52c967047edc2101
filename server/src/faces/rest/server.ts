import type { FastifyInstance } from "fastify";
import type { Operation, Parts } from "#pipeline";
import { docsPage } from "./docs-page.ts";
import { addHealth, type Health } from "./health.ts";
import { addJsonParser } from "./json.ts";
import { openapi } from "./openapi.ts";
import refusals from "./operation-refusals.json" with { type: "json" };
import { answerProblems } from "./problem.ts";
import { addOperation } from "./route.ts";

/** The REST face: one route an operation, and what operators and readers of the interface need beside them. */
export function addRest(
  app: FastifyInstance,
  parts: Parts,
  operations: readonly Operation[],
  health: Health,
): void {
  addJsonParser(app);
  answerProblems(app, parts.log, operations);
  for (const operation of operations) addOperation(app, parts, operation);
  addHealth(app, parts.metrics, health);
  let document: string | undefined;
  app.get("/openapi.json", async (_, reply) => {
    document ??= JSON.stringify(openapi(operations, refusals));
    return reply.type("application/json; charset=utf-8").send(document);
  });
  const page = docsPage(operations);
  app.get("/docs", async (_, reply) => reply.type("text/html; charset=utf-8").send(page));
  app.get("/", async (_, reply) => reply.redirect("/docs"));
}
