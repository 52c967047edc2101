import type { FastifyInstance } from "fastify";
import { type Config, publicConfig, readConfig } from "#kernel/config.ts";
import { version } from "#kernel/package-root.ts";
import { Refusal } from "#kernel/refusal.ts";
import { addGrpcPort, grpcUrlOf } from "../../grpc/port.ts";
import { type HttpSettings, openHttp } from "../../http.ts";
import type { System } from "../../system.ts";
import type { Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { untilStopped } from "../until-stopped.ts";

/** Service only: refuses a schema that is behind, seeds nothing, logs its start in one structured line. */
export const serve: Run = async ({ openSystem }) => {
  const config = readConfig();
  const system = await openSystem(config, { migrate: false, join: false });
  const app = await listen(system, config);
  const stopped = untilStopped(); // before the line that tells others that they may stop us
  system.parts.log.info(
    {
      version,
      pid: process.pid,
      node: process.version,
      config: publicConfig(config),
      url: urlOf(app),
      grpc: grpcUrlOf(app),
    },
    "serving",
  );
  await stopped;
  system.parts.log.info("stopping");
  await close(app, system);
  return EXIT.done;
};

/** Starts to answer; a port that is taken is refused and the system closed. */
export async function listen(
  system: System,
  { host, port, grpc, ...settings }: Pick<Config, "host" | "port" | "grpc"> & HttpSettings,
): Promise<FastifyInstance> {
  const app = openHttp(system.parts, system.operations, () => system.health(), settings);
  const openGrpc = grpc && addGrpcPort(app, system, { host, ...grpc });
  try {
    await app.listen({ host, port });
    await openGrpc?.();
    system.work();
    return app;
  } catch (error) {
    await close(app, system);
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") throw portBusy(host, port);
    throw error;
  }
}

export function urlOf(app: FastifyInstance): string {
  const { address, port, family } = app.server.address() as {
    address: string;
    port: number;
    family: string;
  };
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

/** Answers what was asked, seals what is pending, stops the engine. */
export async function close(app: FastifyInstance, system: System): Promise<void> {
  await app.close();
  await system.stop();
}

const portBusy = (host: string, port: number) =>
  new Refusal(
    "config/port_busy",
    503,
    `Something else listens on ${host}:${port}`,
    { host, port },
    "Stop it, or set SEALBASE_PORT to another port; 0 takes any.",
  );
