import type { EntityRef } from "../engine/index.ts";
import { type Fragment, frag, join, literal, Param, quoted, storable } from "./fragment.ts";
import { asText, type Kept, type ParentJson, type Rows, tableText } from "./mapping.ts";

/** How operators are written: bare, or so that no search path leads to another one. */
export interface Style {
  readonly qualified: boolean;
  /** What a column of the resource's row is written behind: its table's name, or the parameter of a function. */
  readonly row: string;
}

export const operator = ({ qualified }: Style, name: string): string =>
  qualified ? ` operator(pg_catalog.${name}) ` : ` ${name} `;

const textsOf = (ids: readonly string[]): Param =>
  new Param(ids.map(storable), "pg_catalog.text[]");

/** A column of ids, to compare with `idsOf`. Only text has a collation; the others keep their indexes as they are. */
export const idColumn = (column: string, kept: Kept): Fragment =>
  kept === "text" ? asText([column]) : [column];

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const INT8 = /^(0|-?[1-9]\d{0,17})$/;

/** Ids as the column keeps them. Those that are no text of any uuid or integer are the id of nothing there. */
export function idsOf(ids: readonly string[], kept: Kept): Param {
  if (kept === "uuid")
    return new Param(
      ids.filter((id) => UUID.test(id)),
      "pg_catalog.uuid[]",
    );
  if (kept === "int8")
    return new Param(
      ids.filter((id) => INT8.test(id)),
      "pg_catalog.int8[]",
    );
  return textsOf(ids);
}

/**
 * Whether an entity of `type`, other than the targets themselves, is in one of them: its id, and how to get from its row to its
 * parents. Of the resource the row is at hand; of others it is looked up. Null: it never is.
 */
export function isUnder(
  rows: Rows,
  style: Style,
  { type, id, isRow }: { readonly type: string; readonly id: Fragment; readonly isRow: boolean },
  targets: readonly EntityRef[],
): Fragment | null {
  const above = rows.above(type);
  const aims = targets.filter((target) => above.has(target.type));
  if (aims.length === 0) return null;
  if (!isRow) {
    const members = membersOf(rows, style, type, new Set([type, ...above]), aims);
    return frag`(${id} is not null and ${id}${operator(style, "=")}any (${members}))`;
  }
  const ways = rows.parentsOf(type).flatMap((parent): Fragment[] => {
    // Those whose parents have none are the targets themselves.
    const own = aims.filter((aim) => aim.type === parent.type).map((aim) => aim.id);
    const higher = rows.above(parent.type);
    const isTop = !aims.some((aim) => higher.has(aim.type));
    if (isTop && own.length === 0) return [];
    if (isTop && !higher.has(parent.type)) return [wayUp(style, parent, id, { ids: own })];
    return [wayUp(style, parent, id, membersOf(rows, style, parent.type, above, aims))];
  });
  return ways.length === 0 ? null : frag`(${join(ways, " or ")})`;
}

/** Whether the row's parent of this kind is one of them: known ids, or those that a statement finds. */
function wayUp(
  style: Style,
  parent: ParentJson,
  id: Fragment,
  members: Fragment | { readonly ids: readonly string[] },
): Fragment {
  const is = operator(style, "=");
  const { as = "text" } = parent;
  const isOne = (column: string): Fragment =>
    "ids" in members
      ? frag`${idColumn(column, as)}${is}any (${idsOf(members.ids, as)})`
      : frag`${asText([column])}${is}any (${members})`;
  if ("column" in parent) {
    const column = `${style.row}.${quoted(parent.column)}`;
    return frag`(${column} is not null and ${isOne(column)})`;
  }
  const child = asText([`sealbase_joined.${quoted(parent.child)}`]);
  return frag`exists (select from ${tableText(parent, style.qualified)} sealbase_joined where ${child}${is}${id} and ${isOne(`sealbase_joined.${quoted(parent.parent)}`)})`;
}

/** Ids of a type that are a target or in one, found from the targets downward: once a statement, not once a row. */
function membersOf(
  rows: Rows,
  style: Style,
  type: string,
  levels: ReadonlySet<string>,
  targets: readonly EntityRef[],
): Fragment {
  const is = operator(style, "=");
  const types = new Param(
    targets.map((target) => target.type),
    "pg_catalog.text[]",
  );
  const steps = [...levels].flatMap((child) =>
    rows
      .parentsOf(child)
      .filter((parent) => levels.has(parent.type))
      .map((parent): Fragment => {
        const from = "column" in parent ? rows.tableOf(child)! : parent;
        const [down, up] =
          "column" in parent
            ? [rows.tableOf(child)!.id.column, parent.column]
            : [parent.child, parent.parent];
        const id = asText([`sealbase_below.${quoted(down)}`]);
        const above = asText([`sealbase_below.${quoted(up)}`]);
        return frag`select ${typeText(child)}, ${id} from ${tableText(from, style.qualified)} sealbase_below where sealbase_under.type${is}${typeText(parent.type)} and ${above}${is}sealbase_under.id and ${id} is not null`;
      }),
  );
  return frag`with recursive sealbase_under(type, id) as (select ${asText(["sealbase_target.type"])}, ${asText(["sealbase_target.id"])} from unnest(${types}, ${textsOf(targets.map((target) => target.id))}) as sealbase_target(type, id) union select sealbase_next.type, sealbase_next.id from sealbase_under cross join lateral (${join(steps, " union all ")}) as sealbase_next(type, id)) select sealbase_under.id from sealbase_under where sealbase_under.type${is}${typeText(type)}`;
}

/** Of the schema, so no parameter: an entity type holds letters, digits and colons. */
const typeText = (type: string): string =>
  `${literal(type)}::pg_catalog.text collate pg_catalog."C"`;
