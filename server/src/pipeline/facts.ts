import type { Principal } from "./ports.ts";

/**
 * The context of a question about a principal's own call: what the operation tells of its input, and the facts that policies
 * may count on, which no input can replace. Values in Cedar's JSON form.
 */
export function contextOf(
  { auth, session }: Principal,
  { address, time_ms }: { readonly address: string | undefined; readonly time_ms: number },
  own: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const { method, tier, stepUpUntil_ms } = auth;
  return {
    ...own,
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
