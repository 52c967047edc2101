import { readConfig } from "#kernel/config.ts";
import { Refusal } from "#kernel/refusal.ts";
import { type Incoming, type Operation, type Outcome, openStream, run } from "#pipeline";
import type { System } from "../system.ts";
import type { CommandCall } from "./command.ts";
import { keyOf } from "./credentials.ts";

/** Calls operations as whoever the key belongs to. */
export interface Session {
  readonly system: System;
  call(operation: string, input: unknown, options?: Options): Promise<Outcome>;
  /** Calls an operation that is a stream; it ends when the signal aborts, if not before. */
  follow(
    operation: string,
    input: unknown,
    options: Options & { readonly signal: AbortSignal },
  ): Promise<AsyncIterable<unknown>>;
  find(operation: string): Operation;
}

type Options = Omit<Incoming, "input" | "credential">;

/** Opens the system for one command, beside a server that runs if there is one, and closes it after. */
export async function withSession<T>(
  command: CommandCall,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const config = readConfig({
    ...process.env,
    SEALBASE_LOG: process.env["SEALBASE_LOG"] ?? "error",
  });
  const key = keyOf(command, config);
  const system = await command.openSystem(config, { migrate: false, join: true });
  try {
    return await work(sessionOf(system, key));
  } finally {
    await system.stop();
  }
}

export function sessionOf(system: System, key: string): Session {
  const byName = new Map(
    system.operations.map((operation) => [operation.name as string, operation]),
  );
  const find = (name: string): Operation => {
    const operation = byName.get(name);
    if (operation === undefined) throw unknownOperation(name);
    return operation;
  };
  return {
    system,
    find,
    call: async (name, input, options = {}) =>
      run(system.parts, find(name), { ...options, credential: key, input }),
    async follow(name, input, options) {
      const incoming = { ...options, credential: key, input };
      return (await openStream(system.parts, find(name), incoming)).items;
    },
  };
}

const unknownOperation = (name: string) =>
  new Refusal(
    "cli/unknown_operation",
    404,
    "There is no such operation",
    { name },
    "List them: sealbase operations",
  );
