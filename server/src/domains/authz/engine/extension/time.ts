import { add, type Long, long } from "../long.ts";
import type { Extension } from "../value.ts";

/** A moment: milliseconds since 1970. */
export interface Datetime extends Extension {
  readonly extension: "datetime";
  readonly ms: Long;
}

/** A length of time in milliseconds; it may be negative. */
export interface Duration extends Extension {
  readonly extension: "duration";
  readonly ms: Long;
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const MOMENT = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{3}))?(Z|[+-]\d{4}))?$/;

/** `2026-11-21`, `2026-11-21T10:00:00Z`, with `.123` or an offset like `+0200` in place of `Z`. */
export function datetime(text: string): Datetime | string {
  const form = MOMENT.exec(text);
  if (form === null) return MALFORMED;
  const [year, month, day, hour = 0, minute = 0, second = 0, milli = 0] = form
    .slice(1, 8)
    .map((part) => (part === undefined ? undefined : Number(part))) as [number, number, number];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const isDay = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDay || hour > 23 || minute > 59 || second > 59) return "there is no such day or time";
  const offset_ms = offsetOf(form[8]);
  if (offset_ms === null) return "an offset has at most 23 hours and 59 minutes";
  return moment(
    date.getTime() + hour * HOUR + minute * MINUTE + second * SECOND + milli - offset_ms,
  );
}

const MALFORMED = "a datetime is written like 2026-11-21 or 2026-11-21T10:00:00.000Z";

function offsetOf(zone: string | undefined): number | null {
  if (zone === undefined || zone === "Z") return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(3))];
  if (hours > 23 || minutes > 59) return null;
  return (zone[0] === "-" ? -1 : 1) * (hours * HOUR + minutes * MINUTE);
}

export const moment = (ms: Long): Datetime => ({
  extension: "datetime",
  key: String(ms),
  get text() {
    return momentText(ms);
  },
  ms,
});

/** As its function takes it; far from our time a day and what to go from there. */
function momentText(ms: Long): string {
  const [first, last] = [-62_167_219_200_000, 253_402_300_799_999];
  if (typeof ms === "number" && ms >= first && ms <= last) return new Date(ms).toISOString();
  return `1970-01-01 ${ms}ms`;
}

const LENGTH = /^(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNITS = [DAY, HOUR, MINUTE, SECOND, 1];

/** `1d2h3m4s5ms`, each part at most once and in this order. */
export function duration(text: string): Duration | string {
  const form = LENGTH.exec(text);
  if (form === null || /^-?$/.test(text) || text.length > 120)
    return "a duration is written like 1d2h3m4s5ms";
  const sign = form[1] === "-" ? -1n : 1n;
  let total: Long | null = 0;
  for (const [at, unit] of UNITS.entries()) {
    const part = long(sign * BigInt(form[at + 2] ?? 0) * BigInt(unit));
    total = part === null || total === null ? null : add(total, part);
  }
  return total === null ? "a duration has at most 2^63 milliseconds" : length(total);
}

export const length = (ms: Long): Duration => ({
  extension: "duration",
  key: String(ms),
  text: `${ms}ms`,
  ms,
});
