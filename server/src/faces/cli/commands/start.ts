import { type Config, readConfig } from "#kernel/config.ts";
import { grpcUrlOf } from "../../grpc/port.ts";
import type { System } from "../../system.ts";
import type { Run } from "../command.ts";
import { keepKey } from "../credentials.ts";
import { EXIT } from "../exit.ts";
import { type Tell, teller } from "../print.ts";
import { sessionOf } from "../session.ts";
import { untilStopped } from "../until-stopped.ts";
import { runDemo } from "./demo.ts";
import { close, listen, urlOf } from "./serve.ts";

const PAYMENTS = 2_000;

/** Everything in one command: the engine, the schema, at the first start a project and the main job, then the service. */
export const start: Run = async ({ openSystem, json }) => {
  const config = readConfig({
    ...process.env,
    SEALBASE_LOG: process.env["SEALBASE_LOG"] ?? "warn",
  });
  const tell = teller(json);
  const system = await openSystem(config, { migrate: true, join: false });
  const stopped = untilStopped();
  const app = await listen(system, config);
  try {
    const url = urlOf(app);
    const grpc = grpcUrlOf(app);
    tell(
      { event: "listening", url, ...(grpc === undefined ? {} : { grpc }) },
      `Sealbase at ${url}, interface at ${url}/docs${grpc === undefined ? "" : `, gRPC at ${grpc}`}`,
    );
    if (await system.isNew()) await showMainJob(system, config, tell);
    tell({ event: "up" }, "Up. Ctrl-C stops.");
    await stopped;
    tell({ event: "stopping" }, "Stopping: answering, sealing what is pending …");
  } finally {
    await close(app, system);
  }
  return EXIT.done;
};

async function showMainJob(system: System, config: Config, tell: Tell): Promise<void> {
  const { projectId, key } = await system.createOrganization("Demo", "demo");
  keepKey(config, key);
  tell(
    { event: "project", id: projectId, key },
    `Project ${projectId} with its API key, shown once:\n\n  ${key}\n`,
  );
  await runDemo(sessionOf(system, key), PAYMENTS, tell);
}
