import { DAYS, DRIFT_DAY, type Stream } from "./drift-streams.ts";

/** A detector's word: on this day, this cell; null when it cannot say which. */
export interface Alarm {
  readonly day: number;
  readonly cell: string | null;
}

/** Sums, so that those of many streams add up. */
export interface Score {
  /** Alarms for a cell that had drifted by then. */
  readonly right: number;
  readonly wrong: number;
  readonly found: number;
  readonly drifts: number;
  /** Days with a wrong alarm, of all days. */
  readonly falseDays: number;
  readonly days: number;
  /** Of the found, together. */
  readonly daysLate: number;
}

/** Days on which an alarm of a drift still is one. */
const DUE_DAYS = 20;

/** An alarm without a cell is right for every cell that has drifted: it is asked for less, and told so. */
export function scoreOf({ scenario: { drifts } }: Stream, alarms: readonly Alarm[]): Score {
  const isRight = ({ day, cell }: Alarm) =>
    day >= DRIFT_DAY &&
    day < DRIFT_DAY + DUE_DAYS &&
    (cell === null ? drifts.length > 0 : drifts.includes(cell));
  const wrong = alarms.filter((alarm) => !isRight(alarm));
  const firsts = drifts.flatMap((drift) => {
    const days = alarms
      .filter((alarm) => isRight(alarm) && (alarm.cell ?? drift) === drift)
      .map(({ day }) => day);
    return days.length === 0 ? [] : [Math.min(...days)];
  });
  return {
    right: alarms.length - wrong.length,
    wrong: wrong.length,
    found: firsts.length,
    drifts: drifts.length,
    falseDays: new Set(wrong.map(({ day }) => day)).size,
    days: DAYS,
    daysLate: firsts.reduce((sum, day) => sum + day - DRIFT_DAY, 0),
  };
}

const NONE: Score = { right: 0, wrong: 0, found: 0, drifts: 0, falseDays: 0, days: 0, daysLate: 0 };

export const sumOf = (scores: readonly (Score | undefined)[]): Score =>
  scores.reduce<Score>(
    (sum, score = NONE) => ({
      right: sum.right + score.right,
      wrong: sum.wrong + score.wrong,
      found: sum.found + score.found,
      drifts: sum.drifts + score.drifts,
      falseDays: sum.falseDays + score.falseDays,
      days: sum.days + score.days,
      daysLate: sum.daysLate + score.daysLate,
    }),
    NONE,
  );

/** NaN where nothing was there to be right about. */
export function measured({ right, wrong, found, drifts, falseDays, days, daysLate }: Score) {
  const precision = right / (right + wrong);
  const recall = found / drifts;
  return {
    precision,
    recall,
    f1: right === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    falseDays: falseDays / days,
    late: daysLate / found,
  };
}
