import type { Operation, Parts, Principal } from "#pipeline";
import { Suspicion } from "#pipeline";
import { agentSessionNeeded, unknownTool } from "./refusals.ts";

/** Who a key belongs to. A failed sign-in is told to the project that it names, as everywhere. */
export async function principalOf(
  parts: Parts,
  credential: string | undefined,
  requestId: string,
): Promise<Principal> {
  try {
    return await parts.authenticate(credential, false);
  } catch (error) {
    if (!(error instanceof Suspicion)) throw error;
    parts.suspicions.add(error, requestId);
    throw error.refusal;
  }
}

/** What a caller is shown: reads and streams for everybody, writes for the agent sessions that name them. */
export function isShown({ name, kind, agents }: Operation, { session }: Principal): boolean {
  if (agents === "never") return false;
  return kind !== "write" || (session?.writes.some((prefix) => covers(prefix, name)) ?? false);
}

const covers = (prefix: string, name: string): boolean =>
  prefix === name || name.startsWith(`${prefix}.`);

/**
 * Stops what is not for agents and comes with a key that has no bounds. What an agent session may not do goes on: the
 * pipeline refuses it, and seals that it was tried.
 */
export function refuseUnbounded({ name, kind, agents }: Operation, { session }: Principal): void {
  if (session !== null) return;
  if (agents === "never") throw unknownTool(name);
  if (kind === "write") throw agentSessionNeeded(name);
}
