/** The only source of the time, so that a test can turn it. Milliseconds since 1970, UTC. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** RFC 3339 with milliseconds, UTC: `2026-11-21T07:30:00.000Z`. */
export const timestamp = (time_ms: number): string => new Date(time_ms).toISOString();
