/** When a call is sent again, and how much later. Pure. */

const FIRST_MS = 100;
const DELAY_MAX_MS = 5_000;
/** Who asks for more patience than this gets the caller to decide. */
export const RETRY_AFTER_MAX_MS = 60_000;

/** Answers that a later attempt may change: too many calls, the server or what stands before it is away. */
export const RETRIED: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Doubles with every attempt, from 100 ms to 5 s, of which a random half is left out so that callers spread. */
export const delayOf = (attempt: number, random: number): number =>
  Math.min(DELAY_MAX_MS, FIRST_MS * 2 ** (attempt - 1)) * (1 - random / 2);

/** Milliseconds that a Retry-After header asks for, in seconds or as a date; undefined when it says nothing. */
export function retryAfterOf(header: string | null, now_ms: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now_ms);
}
