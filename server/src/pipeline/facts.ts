import type { Principal } from "./ports.ts";

/**
 * What policies may count on about a principal's own call, whatever its input says: how it signed in, from where and when it
 * calls. Values in Cedar's JSON form; the schema of the platform's operations declares them as `Call`.
 */
export function factsOf(
  { auth, session }: Pick<Principal, "auth" | "session">,
  { address, time_ms }: { readonly address: string | undefined; readonly time_ms: number },
): Readonly<Record<string, unknown>> {
  const { method, tier, stepUpUntil_ms } = auth;
  return {
    auth: {
      method,
      tier,
      step_up: stepUpUntil_ms !== null && time_ms < stepUpUntil_ms,
      ...(session === null ? {} : { session: session.id }),
    },
    network: address === undefined ? {} : { address: extension("ip", address) },
    time: extension("datetime", new Date(time_ms).toISOString()),
  };
}

const extension = (fn: string, arg: string) => ({ __extn: { fn, arg } });
