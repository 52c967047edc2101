import type pg from "pg";
import { readConfig } from "#kernel/config.ts";
import {
  describeCheck,
  migrateCheck,
  migrateDown,
  migrateRedo,
  migrateStatus,
  migrateUp,
} from "#kernel/migrate.ts";
import { openEngine } from "#kernel/open-engine.ts";
import type { CommandCall, Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { print } from "../print.ts";
import { usage } from "../refusals.ts";

/** `migrate up` is a job for a deployment: it starts no service. */
export const migrate: Run = async (command) => {
  const way = new Map(Object.entries(WAYS)).get(command.operands[0]!) ?? unknown();
  const engine = await openEngine(readConfig(), true);
  try {
    await way(engine.admin, command);
    return EXIT.done;
  } finally {
    await engine.stop();
  }
};

type Way = (admin: pg.ClientConfig, command: CommandCall) => Promise<true>;

const WAYS: Readonly<Record<string, Way>> = {
  async up(admin, { json, values }) {
    const to = number(values["to"]);
    const report = await migrateUp(admin, to === undefined ? {} : { to });
    return shown(
      json,
      report,
      `${report.applied.length} migrations and ${report.routines.length} routines applied`,
    );
  },
  async down(admin, { json, values }) {
    const to = number(values["to"]);
    if (to === undefined) throw usage("migrate", "down needs --to N; 0 takes back everything");
    const report = await migrateDown(admin, { to, force: values["force"] === true });
    return shown(json, report, `${report.reverted.length} migrations taken back`);
  },
  async redo(admin, { json, values }) {
    const report = await migrateRedo(admin, { force: values["force"] === true });
    return shown(
      json,
      report,
      `${report.reverted.map(({ name }) => name).join(", ")} taken back and applied again`,
    );
  },
  async status(admin, { json }) {
    const report = await migrateStatus(admin);
    const { applied, pending, unknown, changed, routines } = report;
    const names = (list: readonly { number: number; name: string }[]) =>
      list.map(({ number, name }) => `${number} ${name}`).join(", ") || "none";
    return shown(
      json,
      report,
      [
        `applied   ${applied.length}`,
        `pending   ${names(pending)}`,
        `unknown   ${names(unknown)}`,
        `changed   ${names(changed)}`,
        `routines  ${routines.join(", ") || "none"} to apply`,
      ].join("\n"),
    );
  },
  async check(admin, { json }) {
    const report = await migrateCheck(admin);
    return shown(json, report, describeCheck(report));
  },
};

function shown(json: boolean, report: unknown, text: string): true {
  print(json, report, () => text);
  return true;
}

function number(value: CommandCall["values"][string]): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && /^\d{1,4}$/.test(value)) return Number(value);
  throw usage("migrate", "--to takes the number of a migration");
}

function unknown(): never {
  throw usage("migrate", "it takes status, up, down, redo or check");
}
