import { readConfig } from "#kernel/config.ts";
import type { Run } from "../command.ts";
import { keepKey } from "../credentials.ts";
import { EXIT } from "../exit.ts";
import { sessionOf } from "../session.ts";
import { runDemo } from "./demo.ts";
import { close, listen, untilStopped, urlOf } from "./serve.ts";

/** Everything in one command: the engine, the schema, at the first start a project and the main job, then the service. */
export const start: Run = async ({ openSystem }) => {
  const config = readConfig({
    ...process.env,
    SEALBASE_LOG: process.env["SEALBASE_LOG"] ?? "warn",
  });
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const system = await openSystem(config, { migrate: true, join: false });
  const stopped = untilStopped();
  const app = await listen(system, config);
  say(`Sealbase at ${urlOf(app)}, interface at ${urlOf(app)}/docs`);
  if (await system.isNew()) {
    const { projectId, key } = await system.createOrganization("Demo", "demo");
    keepKey(config, key);
    say(`Project ${projectId} with its API key, shown once:\n\n  ${key}\n`);
    await runDemo(sessionOf(system, key), { count: 2_000, say });
  }
  say("Up. Ctrl-C stops.");
  await stopped;
  say("Stopping: answering, sealing what is pending …");
  await close(app, system);
  return EXIT.done;
};
