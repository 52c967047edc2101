import type { EntityRef } from "../engine/index.ts";
import type { Column } from "./columns.ts";
import { type Fragment, frag, literal } from "./fragment.ts";
import { idsOf, operator, type Style } from "./hierarchy.ts";
import { asText, type Rows } from "./mapping.ts";
import { Unsupported } from "./unsupported.ts";

/** Where a database session keeps who asks: settings that the application makes at the beginning of each transaction. */
export interface SessionJson {
  readonly principal: { readonly type: string; readonly setting: string };
  /** All groups that the principal is in, through others, too: an array as PostgreSQL writes it, `{}` for none. */
  readonly groups: readonly { readonly type: string; readonly setting: string }[];
}

interface Condition {
  readonly sql: Fragment;
  readonly fails: boolean;
}

/** A principal that is known by settings, when a row is looked at. */
export class Session {
  readonly #json: SessionJson;
  readonly #rows: Rows;

  constructor(json: SessionJson, rows: Rows) {
    this.#json = json;
    this.#rows = rows;
    for (const { setting } of [json.principal, ...json.groups])
      if (!SETTING.test(setting))
        throw new Unsupported(
          "text",
          `a setting is named like app.user_id: ${setting.slice(0, 80)}`,
        );
  }

  /** Whether somebody asks at all. */
  isThere(style: Style): readonly string[] {
    return [`${settingText(this.#json.principal.setting)}${operator(style, "<>")}''`];
  }

  principal(): Column & Condition {
    const { type, setting } = this.#json.principal;
    const sql = asText([settingText(setting)]);
    return {
      type: { type: "Entity", name: type },
      as: "text",
      sql,
      text: sql,
      raw: sql,
      mayBreak: false,
      fails: false,
      isPrincipal: true,
    };
  }

  /** Whether the principal is one of these, or in one. */
  isIn(principal: Column, targets: readonly EntityRef[], style: Style): Condition {
    const own = targets.filter(({ type }) => type === principal.type.name).map(({ id }) => id);
    const ways =
      own.length === 0
        ? []
        : [frag`${principal.sql}${operator(style, "=")}any (${idsOf(own, "text")})`];
    for (const [type, groups] of this.#groups(
      targets.map(({ type }) => type),
      style,
    )) {
      const ids = targets.filter((target) => target.type === type).map(({ id }) => id);
      ways.push(frag`${groups}${operator(style, "&&")}${idsOf(ids, "text")}`);
    }
    if (ways.length === 0) return { sql: ["false"], fails: false };
    return {
      sql: frag`(${ways.flatMap((way, i) => (i === 0 ? [...way] : [" or ", ...way]))})`,
      fails: ways.length > (own.length === 0 ? 0 : 1),
    };
  }

  /** Whether the principal is in what a column names: one entity, or a set of them. */
  isInColumn(principal: Column, right: Column & Condition, style: Style): Condition {
    const of = right.type.of ?? right.type;
    if (of.type !== "Entity" || right.as !== "text")
      throw new Unsupported(
        "type",
        "a column of groups is kept as text, to be compared with a setting",
      );
    const isSet = right.type.of !== undefined;
    if (of.name === principal.type.name) {
      const sql = frag`(${principal.sql}${operator(style, "=")}${isSet ? frag`any (${right.sql})` : right.sql})`;
      return { sql, fails: right.fails };
    }
    const [found] = this.#groups([of.name!], style);
    if (found === undefined)
      return { sql: frag`(case when ${right.sql} is not null then false end)`, fails: right.fails };
    const groups = found[1];
    const sql = isSet
      ? frag`(${right.sql}${operator(style, "&&")}${groups})`
      : // Null is in no empty array.
        frag`(case when ${right.sql} is not null then ${right.sql}${operator(style, "=")}any (${groups}) end)`;
    return { sql, fails: true };
  }

  /** The settings of those of these types that the principal can be in. */
  #groups(types: readonly string[], style: Style): [string, readonly string[]][] {
    const own = this.#json.principal.type;
    const above = aboveOf(this.#rows, own);
    if (above.has(own) && types.includes(own))
      throw new Unsupported(
        "hierarchy_unmapped",
        `a ${own} may be in a ${own}, which no setting says`,
      );
    return [...new Set(types)]
      .filter((type) => above.has(type))
      .map((type) => {
        const found = this.#json.groups.find((group) => group.type === type);
        if (found === undefined)
          throw new Unsupported(
            "hierarchy_unmapped",
            `no setting says which ${type} the principal is in`,
          );
        return [type, [groupsText(found.setting, style)]];
      });
  }
}

const SETTING = /^[a-z_][a-z0-9_]{0,29}\.[a-z_][a-z0-9_]{0,29}$/;

const settingText = (setting: string): string =>
  `pg_catalog.current_setting(${literal(setting)}, true)`;

/** A setting that was made in an earlier transaction is empty afterwards: null, as one that was never made. */
const groupsText = (setting: string, style: Style): string => {
  const text = settingText(setting);
  const told = `(case when ${text}${operator(style, "<>")}'' then ${text} end)`;
  return `${told}::pg_catalog.text[] collate pg_catalog."C"`;
};

/** By the schema alone: settings tell of groups, not tables. */
function aboveOf({ schema }: Rows, type: string): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [type];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const parent of schema.parentTypesOf(next) ?? [])
      if (!found.has(parent)) {
        found.add(parent);
        open.push(parent);
      }
  return found;
}
