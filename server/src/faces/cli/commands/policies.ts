import { validate as isUuid } from "uuid";
import { readConfig } from "#kernel/config.ts";
import type { Run } from "../command.ts";
import { keyOf } from "../credentials.ts";
import { EXIT } from "../exit.ts";
import { print } from "../print.ts";
import { usage } from "../refusals.ts";

/** `policies restore`: the way back for who runs the server, when a project's policies let nobody change them. */
export const policies: Run = async (command) => {
  const { operands, values, json, openSystem } = command;
  const { project, reason, number } = values;
  if (operands[0] !== "restore") throw usage("policies", "it takes restore");
  if (project !== undefined && !isUuid(project)) throw usage("policies", "--project takes an id");
  if (typeof reason !== "string" || reason.trim() === "")
    throw usage("policies", "restore takes --reason TEXT, which is sealed");
  if (number !== undefined && !/^[1-9]\d{0,8}$/.test(String(number)))
    throw usage("policies", "--number takes a version's number");
  const config = readConfig({
    ...process.env,
    SEALBASE_LOG: process.env["SEALBASE_LOG"] ?? "error",
  });
  const system = await openSystem(config, { migrate: false, join: true });
  try {
    // A key whose calls are all denied still says whose project it is.
    const projectId =
      (project as string | undefined) ??
      (await system.parts.authenticate(keyOf(command, config), false)).tenantId;
    const restored = await system.restorePolicies(projectId, {
      number: number === undefined ? undefined : Number(number),
      reason,
    });
    print(json, restored, () =>
      [
        `version ${restored.to} of the policy set default decides again, in place of ${restored.from ?? "none"}`,
        "sealed as the critical event policies_restored",
      ].join("\n"),
    );
    return EXIT.done;
  } finally {
    await system.stop();
  }
};
