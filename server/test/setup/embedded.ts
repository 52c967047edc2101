import type { TestProject } from "vitest/node";
import { migrateUp } from "#kernel/migrate.ts";
import { startCluster, withClient } from "../cluster.ts";

/** One embedded engine on its unix socket; the server signs in as `sealbase_server`, which owns nothing. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startCluster();
  const template = await cluster.database();
  await migrateUp(template);
  const serverPassword = "only for this test";
  await withClient(cluster.admin, (client) =>
    client.query(`alter role sealbase_server login password '${serverPassword}'`),
  );
  project.provide("engine", {
    kind: "embedded",
    admin: cluster.admin,
    template: template.database,
    serverPassword,
    url: { base: "", query: "" },
  });
  return () => cluster.stop();
}
