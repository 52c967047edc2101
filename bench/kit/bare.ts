import { type FastifyInstance, fastify } from "fastify";
import type pg from "pg";
import type { System } from "../../server/src/faces/system.ts";
import { byTable, StatementBuilder } from "../../server/src/kernel/append.ts";
import { query } from "../../server/src/kernel/db.ts";
import { newId } from "../../server/src/kernel/ids.ts";
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
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
    keepAliveTimeout: 72_000,
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 500 },
    logger: false,
  });
  const ways: Record<string, Transaction> = {
    // Through the function that our own calls use: the same round trips.
    "/bare": (role, _, text, values) =>
      db.transaction({ role, tenantId }, (tx) => query(tx, text, values)),
    "/best": (role, name, text, values) =>
      atItsBest(db.pool, { role, tenantId, name, text, values }),
  };
  for (const [prefix, transaction] of Object.entries(ways)) {
    app.post(`${prefix}/risk/transactions`, async (_, reply) => {
      const id = newId();
      const renamed = (value: unknown) =>
        typeof value === "string" ? value.replaceAll(write.id, id) : value;
      await transaction("writer", "write", write.text, write.values.map(renamed));
      return reply.code(201).send({ ...write.output, id });
    });
    app.get(`${prefix}/projects/:id`, async ({ params }) => {
      const { id } = params as { id: string };
      const [row] = await transaction("reader", "read", READ, [id]);
      return row;
    });
  }
  const address = await app.listen({ host: "127.0.0.1", port: 0 });
  return { app, port: Number(new URL(address).port) };
}

type Transaction = (
  role: "reader" | "writer",
  name: string,
  text: string,
  values: readonly unknown[],
) => Promise<readonly unknown[]>;

const READ =
  "select id, name, slug, score_max, created_at from control_plane.projects where id = $1";

/** A prepared statement, and the whole transaction in one round trip. */
async function atItsBest(
  pool: pg.Pool,
  ask: { role: string; tenantId: string; name: string; text: string; values: readonly unknown[] },
): Promise<readonly unknown[]> {
  const { role, tenantId, name, text, values } = ask;
  const client = await pool.connect();
  try {
    const begin = `begin; select set_config('role', 'sealbase_${role}', true), set_config('app.tenant_id', '${tenantId}', true)`;
    const [, { rows }] = await Promise.all([
      client.query(begin),
      client.query({ name, text, values: [...values] }),
      client.query("commit"),
    ]);
    return rows;
  } finally {
    client.release();
  }
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
