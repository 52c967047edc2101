import { publicConfig, readConfig } from "#kernel/config.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { print } from "../print.ts";
import { type Session, withSession } from "../session.ts";

export const status: Run = (command) =>
  withSession(command, async (session) => {
    const me = (await session.call("control-plane.me.get", {})).output as {
      project: { id: string; name: string };
    };
    const { state, reasons } = await session.system.health();
    const shown = {
      ...publicConfig(readConfig()),
      state,
      ready: reasons,
      project: me.project,
      log: await logOf(session),
    };
    print(command.json, shown, () => Object.entries(shown).map(line).join("\n"));
    return shown.ready.length === 0 ? EXIT.done : EXIT.unavailable;
  });

async function logOf({ call }: Session): Promise<{ name: string; size: number } | null> {
  try {
    const { log, size } = (await call("ledger.checkpoint.get", {})).output as {
      log: string;
      size: number;
    };
    return { name: log, size };
  } catch (error) {
    if (error instanceof Refusal && error.code === "action/no_checkpoint") return null;
    throw error;
  }
}

function line([name, value]: [string, unknown]): string {
  if (name === "ready")
    return `${padded("ready")}${(value as string[]).length === 0 ? "yes" : (value as string[]).join("; ")}`;
  const text =
    typeof value === "object" && value !== null
      ? Object.values(value).join(" ")
      : `${(value as string | number | null) ?? "–"}`;
  return `${padded(name)}${text}`;
}

const padded = (name: string): string => name.padEnd(17);
