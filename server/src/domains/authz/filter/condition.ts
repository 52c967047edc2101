import type { Value } from "../engine/index.ts";
import type { Column } from "./columns.ts";
import { type Fragment, frag, join } from "./fragment.ts";
import { operator, type Style } from "./hierarchy.ts";
import { presentIn } from "./looks.ts";
import type { Open, Part } from "./partial.ts";

/**
 * A boolean in SQL: true, false, or null where Cedar's evaluation fails. Three-valued logic is not Cedar's order of
 * evaluation: `null and false` is false, and Cedar fails. So an arm that may fail stands in a `case`.
 */
export interface Condition {
  readonly sql: Fragment;
  /** Whether it may be null. */
  readonly fails: boolean;
}

/** A value in SQL that is not known before, null where Cedar's evaluation fails. */
export interface Valued extends Column, Condition {}

export type Operand = Valued | { readonly known: Value };

/** What holds of the resource where a part of a condition is reached: these attributes are there. */
export type Present = ReadonlySet<string>;

/** Compiles a part that is a boolean. */
export type ConditionOf = (part: Part, present: Present) => Condition;

export const NULL: Condition = { sql: ["null::pg_catalog.bool"], fails: true };
export const truth = (value: boolean): Condition => ({ sql: [String(value)], fails: false });

/** Values of two types: unequal, wherever both have one. */
export const unequal = (operands: readonly Operand[]): Condition => whereThere(operands, "false");

/** A value wherever none of the operands fails. */
export function whereThere(operands: readonly Operand[], value: string): Condition {
  const failing = operands.filter((one): one is Valued => !("known" in one) && one.fails);
  if (failing.length === 0) return { sql: [value], fails: false };
  return { sql: frag`(case when ${allThere(failing)} then ${value} end)`, fails: true };
}

export const allThere = (values: readonly Condition[]): Fragment =>
  join(
    values.map(({ sql }) => frag`${sql} is not null`),
    " and ",
  );

/** Null is in no empty array, says PostgreSQL: what fails has to be asked for first. */
export function isOneOf(style: Style, one: Valued, array: Fragment, fails: boolean): Condition {
  const is = frag`(${one.sql}${operator(style, "=")}any (${array}))`;
  const sql = one.fails && fails ? frag`(case when ${one.sql} is not null then ${is} end)` : is;
  return { sql, fails };
}

/** One of two arms, by a test that may fail; of the first is known what the test found there. */
export function choose<Made extends Condition>(
  { parts: [test, then, other] }: Open,
  present: Present,
  conditionOf: ConditionOf,
  make: (arm: Part, present: Present) => Made,
): Made {
  const chosen = conditionOf(test!, present);
  const yes = make(then!, new Set([...present, ...presentIn(test!)]));
  const no = make(other!, present);
  const last = chosen.fails ? frag`when not ${chosen.sql} then ${no.sql}` : frag`else ${no.sql}`;
  return {
    ...yes,
    sql: frag`(case when ${chosen.sql} then ${yes.sql} ${last} end)`,
    fails: chosen.fails || yes.fails || no.fails,
  };
}
