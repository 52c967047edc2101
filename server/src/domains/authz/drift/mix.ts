import { dispersionOf, rounded } from "./numbers.ts";

/**
 * A window as a point on the unit sphere S³. Its decisions fall into four classes; the coordinates are the square roots of
 * their shares, so that their squares add up to 1: a unit quaternion. On such points the geodesic 2 acos |q·r| is
 * the Fisher–Rao distance between the two mixes (C. R. Rao 1945; Bhattacharyya 1943), which is what makes it mean something.
 */
export interface Mix {
  /** Allowed, and not the first of their kind. */
  readonly allowed: number;
  /** Allowed, and the first of their principal, action and resource type. */
  readonly first: number;
  /** Denied by policies that could all be evaluated. */
  readonly denied: number;
  /** Denied while a policy could not be evaluated. */
  readonly erred: number;
}

export interface Quaternion {
  readonly w: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

/** What a stored point was made by; another map gets another number. */
export const MIX_MODEL = {
  name: "drift-outcome-mix",
  number: 1,
  document: {
    map: "w, x, y, z = sqrt(share) of: allowed, allowed for the first time, denied, denied with an error",
    distance: "2 acos |q.r|, as 4 asin(|q-r|/2), to 9 decimals",
  },
} as const;

const DISTANCE_DECIMALS = 9;
const NOTHING: Mix = { allowed: 0, first: 0, denied: 0, erred: 0 };

const total = ({ allowed, first, denied, erred }: Mix): number => allowed + first + denied + erred;

export const addMixes = (mixes: readonly Mix[]): Mix =>
  mixes.reduce(
    (sum, mix) => ({
      allowed: sum.allowed + mix.allowed,
      first: sum.first + mix.first,
      denied: sum.denied + mix.denied,
      erred: sum.erred + mix.erred,
    }),
    NOTHING,
  );

/**
 * Null for a window without decisions, which points nowhere. Division and square root are rounded correctly by IEEE 754, so equal
 * counts give equal bits on every machine. No coordinate is negative: of q and -q, which are one rotation, it is always the same one.
 */
export function quaternionOf(mix: Mix): Quaternion | null {
  const all = total(mix);
  if (all === 0) return null;
  const at = (count: number) => Math.sqrt(count / all);
  return { w: at(mix.allowed), x: at(mix.first), y: at(mix.denied), z: at(mix.erred) };
}

/**
 * Geodesic distance of two unit quaternions in radians, from 0 to π: 2 acos |q·r|. By way of the chord, since acos loses half of
 * the digits near 1 where neighbouring windows lie; to 9 decimals, since asin may differ in the last bit between engines.
 */
export function distance(q: Quaternion, r: Quaternion): number {
  const sign = q.w * r.w + q.x * r.x + q.y * r.y + q.z * r.z < 0 ? -1 : 1;
  const chord = Math.sqrt(
    (q.w - sign * r.w) ** 2 +
      (q.x - sign * r.x) ** 2 +
      (q.y - sign * r.y) ** 2 +
      (q.z - sign * r.z) ** 2,
  );
  // Rounded, π would be a little more than it is, which the table refuses.
  return Math.min(Math.PI, rounded(4 * Math.asin(Math.min(1, chord / 2)), DISTANCE_DECIMALS));
}

/** Reference windows are at most this many, the nearest. */
const REFERENCE_WINDOWS_MAX = 7;
const REFERENCE_WINDOWS_MIN = 3;
/** Nearer than this nobody cares, however sure it is. Radians: of 95 % allowed, about 91 %. */
const DISTANCE_MIN = 0.15;
/** χ² with 3 degrees of freedom: exceeded once in a thousand windows by chance; its median. */
const CHI2_3_CRITICAL = 16.266;
const CHI2_3_MEDIAN = 2.366;

export interface MixMove {
  readonly distance_rad: number;
  /** n·m/(n+m) · distance², about χ² with 3 degrees of freedom when both windows have one mix, over the dispersion. */
  readonly statistic: number;
  readonly dispersion: number;
  readonly moved: boolean;
  /** What it was held against. */
  readonly reference: Quaternion;
  /** How many windows the reference is made of. */
  readonly windows: number;
}

/** How far the last mix lies from those before it, taken together; null while there are too few. The oldest comes first. */
export function mixMove(mixes: readonly Mix[]): MixMove | null {
  const now = mixes.at(-1);
  const before = mixes.slice(0, -1).filter((mix) => total(mix) > 0);
  if (now === undefined || total(now) === 0 || before.length < REFERENCE_WINDOWS_MIN) return null;
  const nearest = before.slice(-REFERENCE_WINDOWS_MAX);
  const reference = addMixes(nearest);
  const neighbours = before.slice(1).map((mix, i) => statisticOf(mix, before[i]!));
  const dispersion = dispersionOf(neighbours, CHI2_3_MEDIAN);
  const reference_at = quaternionOf(reference)!;
  const distance_rad = distance(quaternionOf(now)!, reference_at);
  const statistic = statisticOf(now, reference) / dispersion;
  return {
    distance_rad,
    statistic: rounded(statistic, 6),
    dispersion: rounded(dispersion, 6),
    moved: statistic > CHI2_3_CRITICAL && distance_rad >= DISTANCE_MIN,
    reference: reference_at,
    windows: nearest.length,
  };
}

function statisticOf(a: Mix, b: Mix): number {
  const [n, m] = [total(a), total(b)];
  return ((n * m) / (n + m)) * distance(quaternionOf(a)!, quaternionOf(b)!) ** 2;
}
