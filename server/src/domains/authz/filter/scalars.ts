import type { PatternPart } from "../engine/index.ts";
import type { PlainType } from "../engine/schema.ts";
import type { Column } from "./columns.ts";
import { type Fragment, frag, Param, storable } from "./fragment.ts";
import { operator, type Style } from "./hierarchy.ts";
import { Unsupported } from "./unsupported.ts";

interface Made extends Column {
  readonly fails: boolean;
}

/** A pattern for `~~`, which escapes by backslash and, by bytes, matches what Cedar matches by characters. */
export const likeText = (pattern: readonly PatternPart[]): Param =>
  new Param(
    pattern
      .map((part) =>
        part === "Wildcard" ? "%" : storable(part.Literal).replaceAll(/[\\%_]/g, String.raw`\$&`),
      )
      .join(""),
    "pg_catalog.text",
  );

/** In numeric, which does not overflow; null where the result has no place in 64 bits. */
export function arithmetic(style: Style, name: "+" | "-" | "*", a: Made, b: Made): Made {
  const sql = ranged(style, frag`${numeric(a)}${operator(style, name)}${numeric(b)}`);
  return valueOf({ type: "Long" }, sql, true);
}

const numeric = ({ sql }: Column): Fragment => frag`(${sql})::pg_catalog.numeric`;

const [BELOW, ABOVE] = ["-9223372036854775809", "9223372036854775808"];

/** Computed once: what is out of range becomes one of two numbers, and those become null. So does null. */
function ranged(style: Style, sql: Fragment): Fragment {
  // `nullif` finds its `=` by the search path.
  if (style.qualified)
    throw new Unsupported("operator", "arithmetic has no form that a search path cannot change");
  return frag`nullif(nullif(least(greatest(${sql}, ${BELOW}), ${ABOVE}), ${BELOW}), ${ABOVE})`;
}

/** As a column of the type is kept; it fits, as what would not is null by now. */
function valueOf(type: PlainType, made: Fragment, fails: boolean): Made {
  const isMoment = type.type === "datetime";
  const sql = isMoment ? made : frag`(${made})::pg_catalog.int8`;
  const as = isMoment ? "timestamptz" : "text";
  return { type, as, sql, text: sql, raw: sql, mayBreak: fails, fails };
}

interface Fn {
  readonly takes: readonly string[];
  readonly make: (style: Style, ...values: Made[]) => Made;
}

const DAY_MS = "86400000";

/** Of a day, never negative. */
const timeOfDay = (style: Style, ms: Fragment): Fragment =>
  frag`pg_catalog.mod(pg_catalog.mod(${ms}, ${DAY_MS})${operator(style, "+")}${DAY_MS}, ${DAY_MS})`;

const between =
  (name: "+" | "-", gives: string): Fn["make"] =>
  (style, a, b) =>
    valueOf(
      { type: gives },
      ranged(style, frag`${numeric(a)}${operator(style, name)}${numeric(b)}`),
      true,
    );

/** `div` cuts off toward zero, as Cedar does. */
const lasting = (unit: string): Fn => ({
  takes: ["duration"],
  make: (_, value) =>
    valueOf({ type: "Long" }, frag`pg_catalog.div(${numeric(value)}, ${unit})`, value.fails),
});

export const FUNCTIONS: ReadonlyMap<string, Fn> = new Map<string, Fn>([
  ["offset", { takes: ["datetime", "duration"], make: between("+", "datetime") }],
  ["durationSince", { takes: ["datetime", "datetime"], make: between("-", "duration") }],
  [
    "toDate",
    {
      takes: ["datetime"],
      make: (style, value) => {
        const ms = numeric(value);
        const sql = ranged(style, frag`${ms}${operator(style, "-")}${timeOfDay(style, ms)}`);
        return valueOf({ type: "datetime" }, sql, true);
      },
    },
  ],
  [
    "toTime",
    {
      takes: ["datetime"],
      make: (style, value) =>
        valueOf({ type: "duration" }, timeOfDay(style, numeric(value)), value.fails),
    },
  ],
  ["toMilliseconds", lasting("1")],
  ["toSeconds", lasting("1000")],
  ["toMinutes", lasting("60000")],
  ["toHours", lasting("3600000")],
  ["toDays", lasting(DAY_MS)],
]);
