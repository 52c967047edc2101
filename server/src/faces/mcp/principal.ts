import type { Operation, Parts, Principal } from "#pipeline";
import { Suspicion } from "#pipeline";
import { agentSessionNeeded } from "./refusals.ts";

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

/** Whether there is such a tool for a caller at all: what is for people is not there for a key without bounds. */
export const isThere = ({ agents }: Operation, { session }: Principal): boolean =>
  agents !== "never" || session !== null;

/**
 * Stops a write that comes with a key that has no bounds. What an agent session may not do goes on: the pipeline refuses
 * it, and seals that it was tried.
 */
export function refuseUnbounded({ name, kind }: Operation, { session }: Principal): void {
  if (kind === "write" && session === null) throw agentSessionNeeded(name);
}
