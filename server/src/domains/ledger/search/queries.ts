import { query, type Tx } from "#kernel/db.ts";
import { ERASED_BY, MINIMUM, type StoredEntry } from "../queries.ts";
import type { Filter } from "./attributes.ts";

/** Entries that share one note of their times. */
export const SPAN = 256;

export const readLogsToIndex = async (tx: Tx, limit: number): Promise<string[]> =>
  (await query<{ id: string }>(tx, "select id from ledger.logs_to_index($1) id", [limit])).map(
    ({ id }) => id,
  );

/** How far a log is indexed; the times are those of the entries that fill no span yet, null where there are none. */
export interface Indexed {
  readonly size: number;
  readonly earliest_ms: number | null;
  readonly latest_ms: number | null;
}

/** Locks it for the rest of the transaction; undefined while another server has it. */
export async function lockIndexed(tx: Tx, tenantId: string): Promise<Indexed | undefined> {
  await query(tx, "insert into ledger.indexed (tenant_id) values ($1) on conflict do nothing", [
    tenantId,
  ]);
  const [row] = await query<Indexed>(
    tx,
    "select size, earliest_ms, latest_ms from ledger.indexed where tenant_id = $1 for update skip locked",
    [tenantId],
  );
  return row;
}

export interface Extent {
  /** Entries that have a place. */
  readonly head: number;
  readonly indexed: Indexed;
}

export async function readExtent(tx: Tx): Promise<Extent> {
  const [row] = await query<Indexed & { head: number }>(
    tx,
    `select h.size as head, coalesce(i.size, 0)::int8 as size, i.earliest_ms, i.latest_ms
     from ledger.heads h left join ledger.indexed i on i.tenant_id = h.tenant_id
     where h.tenant_id = (select ops.tenant())`,
  );
  const { head, ...indexed } = row ?? { head: 0, size: 0, earliest_ms: null, latest_ms: null };
  return { head, indexed };
}

export interface Span {
  readonly index: number;
  readonly earliest_ms: number;
  readonly latest_ms: number;
}

/**
 * Keeps the terms and full spans of the entries up to `grown.size`; false when the log was not indexed up to `size` any more. A crash may
 * undo it: nothing else is built on it, so the commit does not wait for the disk.
 */
export async function writeIndexed(
  tx: Tx,
  tenantId: string,
  size: number,
  grown: Indexed,
  { terms, spans }: { terms: readonly (readonly [bigint, number])[]; spans: readonly Span[] },
): Promise<boolean> {
  const array = (values: readonly (bigint | number)[]) => `{${values.join(",")}}`;
  const moved = await query(
    tx,
    `with moved as (update ledger.indexed set size = $3, earliest_ms = $4, latest_ms = $5
         where tenant_id = $1 and size = $2 returning size),
       terms as (insert into ledger.entry_terms (tenant_id, term, index)
         select $1, t.term, t.index from moved, unnest($6::int8[], $7::int8[]) t(term, index) on conflict do nothing),
       spans as (insert into ledger.entry_spans (tenant_id, index, earliest_ms, latest_ms)
         select $1, s.index, s.earliest_ms, s.latest_ms
         from moved, unnest($8::int8[], $9::int8[], $10::int8[]) s(index, earliest_ms, latest_ms) on conflict do nothing)
     select size, set_config('synchronous_commit', 'off', true) from moved`,
    [
      tenantId,
      size,
      grown.size,
      grown.earliest_ms,
      grown.latest_ms,
      array(terms.map(([term]) => term)),
      array(terms.map(([, index]) => index)),
      array(spans.map(({ index }) => index)),
      array(spans.map(({ earliest_ms }) => earliest_ms)),
      array(spans.map(({ latest_ms }) => latest_ms)),
    ],
  );
  return moved.length === 1;
}

/** Places `from` (included) to `to` (excluded), and the end to begin at. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly newestFirst: boolean;
}

type Times = Pick<Filter, "since_ms" | "until_ms">;

const BIGGEST = Number.MAX_SAFE_INTEGER;
const timesOf = ({ since_ms, until_ms }: Times): [number, number] => [
  since_ms ?? -BIGGEST,
  until_ms ?? BIGGEST,
];

const WITHIN = "latest_ms >= $1 and earliest_ms < $2";

/** The part of a range outside of which no full span has an entry between these times. */
export async function readBounds(
  tx: Tx,
  times: Times,
  { from, to, newestFirst }: Range,
): Promise<Range> {
  const edge = (order: string) =>
    `(select index from ledger.entry_spans where tenant_id = (select ops.tenant()) and ${WITHIN}
        and index >= $3 and index < $4 order by index ${order} limit 1)`;
  const [row] = await query<{ first: number | null; last: number | null }>(
    tx,
    `select ${edge("")} as first, ${edge("desc")} as last`,
    [...timesOf(times), Math.floor(from / SPAN), Math.ceil(to / SPAN)],
  );
  const { first, last } = row!;
  if (first === null || last === null) return { from, to: from, newestFirst };
  return {
    from: Math.max(from, first * SPAN),
    to: Math.min(to, (last + 1) * SPAN),
    newestFirst,
  };
}

/** Places of entries that have all these terms, at most `limit`; with times, in spans only that have an entry between them. */
export async function readCandidates(
  tx: Tx,
  [rarest, ...others]: readonly bigint[],
  times: Times | undefined,
  { from, to, newestFirst }: Range,
  limit: number,
): Promise<number[]> {
  const values: unknown[] = [...timesOf(times ?? {}), from, to, limit, `${rarest}`];
  const also = others.map((term) => {
    values.push(`${term}`);
    return ` and exists (select from ledger.entry_terms o
      where o.tenant_id = t.tenant_id and o.term = $${values.length}::int8 and o.index = t.index)`;
  });
  const within =
    times === undefined
      ? "and $1::int8 < $2::int8"
      : `and exists (select from ledger.entry_spans s where s.tenant_id = t.tenant_id and s.index = t.index / ${SPAN} and ${WITHIN})`;
  const rows = await query<{ index: number }>(
    tx,
    `select t.index from ledger.entry_terms t
     where t.tenant_id = (select ops.tenant()) and t.term = $6::int8 and t.index >= $3 and t.index < $4 ${also.join("")} ${within}
     order by t.index ${newestFirst ? "desc" : ""} limit $5`,
    values,
  );
  return rows.map(({ index }) => index);
}

/** Places of the entries in spans that have an entry between these times. */
export async function readCandidatesByTime(
  tx: Tx,
  times: Times,
  { from, to, newestFirst }: Range,
  limit: number,
): Promise<number[]> {
  const order = newestFirst ? "desc" : "";
  const rows = await query<{ index: number }>(
    tx,
    `select e.index from ledger.entry_spans s cross join lateral (
       select e.index from ledger.entries e where e.tenant_id = s.tenant_id and e.index >= s.index * ${SPAN}
         and e.index < (s.index + 1) * ${SPAN} and e.index >= $3 and e.index < $4) e
     where s.tenant_id = (select ops.tenant()) and ${WITHIN} and s.index >= $3::int8 / ${SPAN} and s.index <= $4::int8 / ${SPAN}
     order by s.index ${order}, e.index ${order} limit $5`,
    [...timesOf(times), from, to, limit],
  );
  return rows.map(({ index }) => index);
}

/** Bytes of the first entries of a range, without their payloads. */
export const readBytesFrom = (
  tx: Tx,
  { from, to, newestFirst }: Range,
  limit: number,
): Promise<{ index: number; entry: Buffer }[]> =>
  query(
    tx,
    `select index, entry from ledger.entries where tenant_id = (select ops.tenant()) and index >= $1 and index < $2
     order by index ${newestFirst ? "desc" : ""} limit $3`,
    [from, to, limit],
  );

/** The entries at these places, in this order; as many as fit into so many bytes with their payloads, one at least. */
export async function readEntriesAt(
  tx: Tx,
  places: readonly number[],
  bytes: number,
): Promise<StoredEntry[]> {
  if (places.length === 0) return [];
  return query(
    tx,
    `select index, id, entry, salt, payload, "erasedBy" from (
       select row_number() over (order by w.nth) as nth, e.index, e.id, e.entry, p.salt, p.payload, ${ERASED_BY} as "erasedBy",
         sum(octet_length(e.entry) + coalesce(octet_length(p.payload), 0)) over (order by w.nth) as bytes
       from unnest($1::int8[]) with ordinality w(index, nth)
         join ledger.entries e on e.tenant_id = (select ops.tenant()) and e.index = w.index and e.index >= ${MINIMUM}
         left join ledger.payloads p on p.tenant_id = e.tenant_id and p.entry_id = e.id) measured
     where bytes <= $2 or nth = 1 order by nth`,
    [`{${places.join(",")}}`, bytes],
  );
}

export const readSpans = (tx: Tx, from: number, to: number): Promise<Span[]> =>
  query(
    tx,
    `select index, earliest_ms, latest_ms from ledger.entry_spans
     where tenant_id = (select ops.tenant()) and index >= $1 and index < $2 order by index`,
    [from, to],
  );

/** Places that lack one of the terms that stand for them. */
export async function readUnindexed(
  tx: Tx,
  terms: readonly (readonly [bigint, number])[],
): Promise<number[]> {
  const rows = await query<{ index: number }>(
    tx,
    `select distinct w.index from unnest($1::int8[], $2::int8[]) w(term, index)
     where not exists (select from ledger.entry_terms t
       where t.tenant_id = (select ops.tenant()) and t.term = w.term and t.index = w.index) order by w.index`,
    [`{${terms.map(([term]) => term).join(",")}}`, `{${terms.map(([, at]) => at).join(",")}}`],
  );
  return rows.map(({ index }) => index);
}

/** How many rows there are that lead to entries or say when they were. */
export async function countIndex(tx: Tx): Promise<{ terms: number; spans: number }> {
  const [row] = await query<{ terms: number; spans: number }>(
    tx,
    `select (select count(*) from ledger.entry_terms where tenant_id = t.id) as terms,
       (select count(*) from ledger.entry_spans where tenant_id = t.id) as spans from (select ops.tenant() as id) t`,
  );
  return row!;
}
