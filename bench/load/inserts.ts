import pg from "pg";
import { newId } from "../../server/src/kernel/ids.ts";
import { serveLoad } from "../kit/load.ts";

/** One row a commit on each connection: the least that an application can do to keep something. */
const { config, table, callers } = JSON.parse(process.argv[2]!) as {
  config: pg.ClientConfig;
  table: string;
  callers: number;
};
const BODY = "x".repeat(384);

const clients = await Promise.all(
  Array.from({ length: callers }, async () => {
    const client = new pg.Client(config);
    await client.connect();
    return client;
  }),
);
await serveLoad(callers, async (caller) => {
  // Prepared once a connection: the faster way for a bare loop.
  await clients[caller]!.query({
    name: "insert",
    text: `insert into ${table} (id, body) values ($1, $2)`,
    values: [newId(), BODY],
  });
});
