/** A record is ignored once it is older than this. */
export const LIFETIME_S = 365 * 24 * 60 * 60;
/** How far a signer's clock may be ahead of ours. */
export const SKEW_S = 300;

/** When a record that is taken or shown now may have been signed, inclusive, in seconds since 1970. */
export const lifetimeAt = (time_ms: number): { earliest: number; latest: number } => ({
  // To the millisecond: what is a millisecond older than 365 days is older.
  earliest: Math.ceil(time_ms / 1000 - LIFETIME_S),
  latest: Math.floor(time_ms / 1000 + SKEW_S),
});

export const isAlive = (ts: number, time_ms: number): boolean => ts >= lifetimeAt(time_ms).earliest;
