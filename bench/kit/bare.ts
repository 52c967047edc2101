import { type FastifyInstance, fastify } from "fastify";
import type { System } from "../../server/src/faces/system.ts";
import { byTable, StatementBuilder } from "../../server/src/kernel/append.ts";
import { newId } from "../../server/src/kernel/ids.ts";
import { query } from "../../server/src/kernel/db.ts";
import { run } from "../../server/src/pipeline/index.ts";
import { paymentOf } from "./payment.ts";
import { OPERATIONS } from "./requests.ts";
import type { Project, Scratch } from "./scratch.ts";

/**
 * What an application without a pipeline would do for the same transaction: a Fastify route with our options, no
 * authentication, no policy, no score, nothing checked, nothing sealed; one transaction of our pool and role a request.
 */
export async function openBare(
  { system, admin }: Scratch,
  project: Project,
): Promise<{ app: FastifyInstance; port: number }> {
  const { db } = system.parts;
  const { id: tenantId } = project;
  // What stands in ledger.pending is work for the sequencer: the bare rows go into a twin of it.
  await admin.query("create table ledger.bare (like ledger.pending including all)");
  await admin.query("grant insert on ledger.bare to sealbase_writer");
  const write = await writtenBy(system, project);
  const app = fastify({
    bodyLimit: 1_048_576,
    requestTimeout: 60_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 500 },
    logger: false,
  });
  app.post("/bare/risk/transactions", async (_, reply) => {
    const id = newId();
    const renamed = (value: unknown) =>
      typeof value === "string" ? value.replaceAll(write.id, id) : value;
    await db.transaction({ role: "writer", tenantId }, (tx) =>
      query(tx, write.text, write.values.map(renamed)),
    );
    return reply.code(201).send({ ...write.output, id });
  });
  app.get("/bare/projects/:id", async ({ params }) => {
    const { id } = params as { id: string };
    const [row] = await db.transaction({ role: "reader", tenantId }, (tx) =>
      query(
        tx,
        "select id, name, slug, score_max, created_at from control_plane.projects where id = $1",
        [id],
      ),
    );
    return row;
  });
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  return { app, port: Number(new URL(address).port) };
}

/** The statement of a real call, written as the pipeline writes it; later ones differ in the call's id. */
async function writtenBy({ parts, operations }: System, project: Project) {
  const { committer } = parts;
  const commit = committer.commit.bind(committer);
  let written: Parameters<typeof commit>[0] | undefined;
  committer.commit = (writing) => commit((written = writing));
  const operation = operations.find(({ name }) => name === OPERATIONS.write)!;
  const { id, output } = await run(parts, operation, {
    credential: project.key,
    input: paymentOf(0),
    acknowledge: "durable",
  });
  committer.commit = commit;
  const statement = new StatementBuilder();
  const tenant = statement.value(project.id);
  for (const [table, rows] of byTable([written!]))
    statement.insert(
      table.name === "ledger.pending" ? { ...table, name: "ledger.bare" } : table,
      rows,
      tenant,
    );
  const text = `with ${statement.parts.join(",\n")}\nselect 1`;
  return { id, output: output as object, text, values: statement.values };
}
