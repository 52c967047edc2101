import type { RawBuilder } from "kysely";
import type { Expression, PolicySet, Request } from "../engine/index.ts";
import type { Schema } from "../engine/schema.ts";
import { Compiler } from "./compile.ts";
import type { Condition } from "./condition.ts";
import {
  type Bound,
  type Fragment,
  frag,
  join,
  kyselyOf,
  Param,
  quoted,
  withParams,
} from "./fragment.ts";
import type { Style } from "./hierarchy.ts";
import { type Mapping, Rows, tableText } from "./mapping.ts";
import { expressionOf } from "./partial.ts";
import { about, type Residual, residualsOf } from "./residual.ts";
import { Session, type SessionJson } from "./session.ts";
import { Unsupported } from "./unsupported.ts";

/** A policy that takes part in a filter, and what of it is left to ask of a row. */
export interface Part {
  readonly id: string;
  readonly effect: "permit" | "forbid";
  /** Cedar's JSON form. What fails whatever the row is stands as it was written. */
  readonly residual: Expression;
}

/** What may be seen of a table, as a condition on its rows. It is never null. */
export interface Filter {
  /** Whether rows matter: none may be seen, or all of them, whatever they are. */
  readonly rows: "none" | "some" | "all";
  readonly fragment: Fragment;
  readonly policies: readonly Part[];
}

const PARAMS_MAX = 10_000;

/**
 * The rows for which a decision about each would be `allow`, as SQL. `request` holds what is known; its resource stands for any of
 * its type. Sound for policies that were strictly validated under `schema`, and for rows that keep to it. Throws `Unsupported`
 * rather than anything that is not exact.
 */
export function authorizedFilter(
  policies: PolicySet,
  schema: Schema,
  request: Request,
  mapping: Mapping,
): Filter {
  const rows = new Rows(request.resource.type, mapping, schema);
  const style = { qualified: false, row: rowName(mapping) };
  return compileFilter(policies, request, rows, style, null);
}

/** The same for any principal that a database session names, written so that no search path changes what it means. */
export function sessionFilter(
  policies: PolicySet,
  schema: Schema,
  request: Request,
  mapping: Mapping,
  settings: SessionJson,
): Filter {
  const rows = new Rows(request.resource.type, mapping, schema);
  const style = { qualified: true, row: "($1)" };
  const session = new Session(settings, rows);
  return compileFilter(policies, request, rows, style, session);
}

function compileFilter(
  policies: PolicySet,
  request: Request,
  rows: Rows,
  style: Style,
  session: Session | null,
): Filter {
  const open = session === null ? (["resource"] as const) : (["principal", "resource"] as const);
  const { residuals, entities } = residualsOf(policies, request, { open, tabled: rows.tabled });
  const compiler = new Compiler(rows, style, (ref) => entities.ancestors(ref), session);
  const compiled = residuals.map(({ id, effect, part }) => ({
    effect,
    condition: about(id, () => compiler.condition(part)),
  }));
  const of = (wanted: Residual["effect"], whenFailing: boolean): Fragment[] =>
    compiled
      .filter(({ effect }) => effect === wanted)
      .map(({ condition }) => settled(condition, whenFailing));
  // One that fails permits nothing; and what is forbidden is not known to be allowed.
  const [permits, forbids] = [of("permit", false), of("forbid", true)];
  const parts = residuals.map(({ id, effect, part }) => ({
    id,
    effect,
    residual: expressionOf(part),
  }));
  if (permits.every(isText("false")) || forbids.some(isText("true")))
    return { rows: "none", fragment: ["false"], policies: parts };
  const demands = [
    ...compiler.demands.values(),
    ...(session === null ? [] : [session.isThere(style)]),
  ];
  const shown = permits.some(isText("true")) ? [] : [frag`(${join(permits, " or ")})`];
  const hidden = forbids.filter((forbid) => !isText("false")(forbid));
  const denied = hidden.length === 0 ? [] : [frag`not (${join(hidden, " or ")})`];
  const all = [...demands, ...shown, ...denied];
  const fragment: Fragment = all.length === 0 ? ["true"] : join(all, " and ");
  if (fragment.filter((piece) => piece instanceof Param).length > PARAMS_MAX)
    throw new Unsupported("size", `more than ${PARAMS_MAX} values`);
  return { rows: all.length === 0 ? "all" : "some", fragment, policies: parts };
}

const settled = ({ sql, fails }: Condition, whenFailing: boolean): Fragment =>
  fails
    ? isText("null::pg_catalog.bool")(sql)
      ? [String(whenFailing)]
      : frag`coalesce(${sql}, ${String(whenFailing)})`
    : sql;

const isText =
  (text: string) =>
  (fragment: Fragment): boolean =>
    fragment.length === 1 && fragment[0] === text;

/** What columns stand behind in the caller's statement. Names of our own are kept apart from it. */
function rowName(mapping: Mapping): string {
  const name = mapping.alias ?? mapping.table;
  if (name.startsWith("sealbase_"))
    throw new Unsupported("text", "a table of a filter is not called sealbase_…: give it an alias");
  return mapping.alias === undefined ? tableText(mapping, false) : quoted(mapping.alias);
}

export const filterText = ({ fragment }: Filter, first = 1): { text: string; params: Bound[] } =>
  withParams(fragment, first);

export const filterExpression = ({ fragment }: Filter): RawBuilder<boolean> => kyselyOf(fragment);
