import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { openLog } from "#kernel/log.ts";
import { Refusal } from "#kernel/refusal.ts";
import { openWitness } from "../../../witness/index.ts";
import type { CommandCall, Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { print } from "../print.ts";
import { usage } from "../refusals.ts";
import { untilStopped } from "../until-stopped.ts";

const LISTEN = "127.0.0.1:7327";

/** A witness: a process of its own, with a folder of its own. SIGHUP reads the list of logs again. */
export const witness: Run = async ({ values, json }) => {
  const log = openLog(process.env["SEALBASE_LOG"] ?? "info");
  const name = given(values, "name");
  const opened = await openWitness(
    {
      name,
      logsFile: resolve(given(values, "logs")),
      dataDir: resolve(text(values, "data") ?? ".sealbase-witness"),
      ...address(text(values, "listen") ?? LISTEN),
    },
    log,
  );
  const stopped = untilStopped(); // before the line that tells others that they may stop us
  process.on("SIGHUP", () => {
    try {
      opened.reload();
      log.info({ logs: opened.logs() }, "read the list of logs again");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      log.error(
        { code: error.code, facts: error.facts },
        "the list of logs is wrong; kept the old",
      );
    }
  });
  const { vkey, app } = opened;
  const url = urlOf(app.server.address() as AddressInfo);
  print(json, { witness: name, vkey, url, logs: opened.logs() }, () =>
    [`Witness ${name} at ${url}`, "Logs put this line into their policy:", ""]
      .concat(`  witness ${name} ${vkey} ${url}`)
      .join("\n"),
  );
  await stopped;
  log.info("stopping");
  await opened.stop();
  return EXIT.done;
};

const urlOf = ({ address: host, port, family }: AddressInfo): string =>
  `http://${family === "IPv6" ? `[${host}]` : host}:${port}/`;

const text = (values: CommandCall["values"], name: string): string | undefined => {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
};

function given(values: CommandCall["values"], name: string): string {
  const value = text(values, name);
  if (value === undefined) throw usage("witness", `it needs --${name}`);
  return value;
}

function address(listen: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:]+)):(\d{1,5})$/i.exec(listen);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw usage("witness", "--listen takes HOST:PORT");
  return { host: (match[1] ?? match[2])!, port };
}
