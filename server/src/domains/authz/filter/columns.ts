import { EntityRef, type Value } from "../engine/index.ts";
import type { PlainType } from "../engine/schema.ts";
import { CedarSet, isExtension } from "../engine/value.ts";
import { type Fragment, frag, Param, quoted, storable } from "./fragment.ts";
import { idsOf, operator, type Style } from "./hierarchy.ts";
import { asText, type Kept, type Mapped } from "./mapping.ts";

/** A value in SQL: its type in Cedar, and how it is kept. */
export interface Column {
  readonly type: PlainType;
  readonly as: Kept;
  /** To be compared and computed with. Null when what the column holds is no value of the type. */
  readonly sql: Fragment;
  /** As text, for an id. */
  readonly text: Fragment;
  /** The column itself. */
  readonly raw: Fragment;
  /** Whether `sql` may be null where the column is not. */
  readonly mayBreak: boolean;
  readonly isRow?: boolean;
  readonly isPrincipal?: boolean;
}

export function columnOf(mapped: Pick<Mapped, "type" | "as" | "column">, style: Style): Column {
  const { type, as } = mapped;
  const raw: Fragment = [`${style.row}.${quoted(mapped.column)}`];
  const made = (sql: Fragment, mayBreak = false): Column => ({
    type,
    as,
    sql,
    text: asText(raw),
    raw,
    mayBreak,
  });
  const and = (name: string, than: string) => frag`${raw}${operator(style, name)}${than}`;
  switch (type.type) {
    case "String":
      return made(asText(raw));
    case "Entity":
      return made(as === "text" ? asText(raw) : raw);
    case "Set":
      return made(setSql(raw, type.of!, as, style), true);
    case "datetime": {
      if (as === "int8") return made(raw);
      // Cedar's moments are whole milliseconds; the infinities are none.
      const ms = frag`pg_catalog.floor(extract(epoch from ${raw})${operator(style, "*")}1000)`;
      return made(frag`(case when pg_catalog.isfinite(${raw}) then ${ms} end)`, true);
    }
    case "decimal": {
      const isOne = frag`${and("=", "")}pg_catalog.round(${raw}, 4) and ${and(">=", "-922337203685477.5808")} and ${and("<=", "922337203685477.5807")}`;
      return made(frag`(case when ${isOne} then ${raw} end)`, true);
    }
    default:
      return made(raw);
  }
}

/** Arrays of one dimension without nulls are sets; `array_position` takes no other. */
function setSql(raw: Fragment, of: PlainType, as: Kept, style: Style): Fragment {
  const isText = of.type === "String" || (of.type === "Entity" && as === "text");
  const array = isText ? frag`(${raw})::pg_catalog.text[] collate pg_catalog."C"` : raw;
  const deep = frag`pg_catalog.array_ndims(${raw})${operator(style, ">")}1`;
  return frag`(case when ${deep} then null when pg_catalog.array_position(${raw}, null) is not null then null else ${array} end)`;
}

/** A known value as a parameter that can be compared with such a column; null when no such column could ever hold it. */
export function paramOf(value: Value, { type, as }: Pick<Column, "type" | "as">): Param | null {
  switch (type.type) {
    case "Boolean":
      return typeof value === "boolean" ? new Param(String(value), "pg_catalog.bool") : null;
    case "String":
      return typeof value === "string" ? new Param(storable(value), "pg_catalog.text") : null;
    case "Long":
      return typeof value === "number" || typeof value === "bigint"
        ? new Param(String(value), "pg_catalog.int8")
        : null;
    case "Entity": {
      if (!(value instanceof EntityRef) || value.type !== type.name) return null;
      const { value: ids, type: array } = idsOf([value.id], as);
      return ids.length === 0 ? null : new Param(ids[0]!, array.slice(0, -2));
    }
    case "Set":
      return value instanceof CedarSet ? setParam(value, type.of!, as) : null;
    case "datetime":
    case "duration":
    case "decimal": {
      if (typeof value !== "object" || !isExtension(value) || value.extension !== type.type)
        return null;
      if (type.type === "decimal") return new Param(decimalText(value.key), "pg_catalog.numeric");
      return new Param(value.key, as === "timestamptz" ? "pg_catalog.numeric" : "pg_catalog.int8");
    }
    default:
      return null;
  }
}

/** Without the members that no column like this could hold. */
function setParam(set: CedarSet, of: PlainType, as: Kept): Param | null {
  const empty = EMPTY[of.type === "Entity" && as !== "text" ? as : of.type];
  if (empty === undefined) return null;
  const members = set.members.flatMap((member) => paramOf(member, { type: of, as }) ?? []);
  return new Param(
    members.map(({ value }) => value as string),
    `pg_catalog.${empty}[]`,
  );
}

const EMPTY: Readonly<Record<string, string | undefined>> = {
  Boolean: "bool",
  String: "text",
  Long: "int8",
  Entity: "text",
  uuid: "uuid",
  int8: "int8",
};

/** Kept as ten-thousandths. */
function decimalText(tenThousandths: string): string {
  const [, sign = "", digits = ""] = /^(-?)(\d+)$/.exec(tenThousandths)!;
  const padded = digits.padStart(5, "0");
  return `${sign}${padded.slice(0, -4)}.${padded.slice(-4)}`;
}

/** The column that a known value would have. */
export function columnFor(value: Value): Column | null {
  const type = typeFor(value);
  if (type === null) return null;
  return { type, as: "text", sql: [], text: [], raw: [], mayBreak: false };
}

function typeFor(value: Value): PlainType | null {
  if (typeof value === "boolean") return { type: "Boolean" };
  if (typeof value === "string") return { type: "String" };
  if (typeof value === "number" || typeof value === "bigint") return { type: "Long" };
  if (value instanceof EntityRef) return { type: "Entity", name: value.type };
  if (value instanceof CedarSet || !isExtension(value) || value.extension === "ipaddr") return null;
  return { type: value.extension };
}
