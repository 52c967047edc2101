import { query, type Tx } from "#kernel/db.ts";

/** A row as texts: what it is, then what is in it. `sealedRows` gives the same of what a call sealed. */
export type RowText = readonly string[];

const hexes = (column: string): string =>
  `coalesce((select string_agg(encode(item, 'hex'), ',' order by nth) from unnest(${column}) with ordinality u(item, nth)), '')`;
const hex = (column: string): string => `coalesce(encode(${column}, 'hex'), '')`;
const time = (column: string): string => `coalesce(extract(epoch from ${column})::text, '')`;

/** Every row of the registries, under the call that it came from. A keyset comes once more for each change of its status. */
const ROWS: Readonly<Record<string, readonly [call: string, ...columns: string[]]>> = {
  "ledger.alias_maintainer_sets": [
    "id",
    "'maintainers'",
    "alias",
    "number::text",
    hexes("maintainers"),
    "min_signers::text",
    hexes("rotation_signers"),
    hexes("rotation_signatures"),
    time("created_at"),
  ],
  "ledger.alias_records": [
    "id",
    "'alias record'",
    "alias",
    hex("node"),
    hex("public_key"),
    "seq::text",
    time("signed_at"),
    hex("signature"),
    hex("record"),
    "maintainer_set_id::text",
    time("created_at"),
  ],
  "ledger.alias_endorsements": [
    "call_id",
    "'alias endorsement'",
    "alias_record_id::text",
    hex("maintainer"),
    hex("signature"),
    time("created_at"),
  ],
  "ledger.voucher_keysets k": [
    "call_id",
    "'keyset'",
    hex("id"),
    "curve",
    hexes("public_keys"),
    time("valid_from"),
    time("valid_to"),
    time("created_at"),
  ],
  "ledger.voucher_keysets a": ["activated_by", "'activated'", hex("id")],
  "ledger.voucher_keysets r": ["retired_by", "'retired'", hex("id")],
  "ledger.payment_registry_records": [
    "id",
    "'payment record'",
    "number::text",
    hex("keyset_id"),
    hex("record"),
    hex("record_hash"),
    hexes("endorsers"),
    time("created_at"),
  ],
  "ledger.payment_registry_endorsements": [
    "call_id",
    "'payment endorsement'",
    "record_id::text",
    hex("endorser"),
    "algorithm",
    hex("signature"),
    time("created_at"),
  ],
  "ledger.forwarding_accounting": [
    "id",
    "'forwarding'",
    hex("relay"),
    hex("peer"),
    time("period_start"),
    time("period_end"),
    "forwarded_bytes::text",
    "charged_units::text",
    hex("keyset_id"),
    hex("public_key"),
    hex("record"),
    hex("signature"),
    time("created_at"),
  ],
};

/** What these calls put into the registries, as it is there now. */
export async function readRegistryRows(
  tx: Tx,
  callIds: readonly string[],
): Promise<ReadonlyMap<string, readonly RowText[]>> {
  const selects = Object.entries(ROWS).map(
    ([table, [call, ...columns]]) =>
      `select ${call} as "callId", array[${columns.join(", ")}] as text from ${table}
       where tenant_id = (select ops.tenant()) and ${call} = any ($1::uuid[])`,
  );
  const rows = await query<{ callId: string; text: string[] }>(tx, selects.join(" union all "), [
    callIds,
  ]);
  return new Map(
    [...Map.groupBy(rows, ({ callId }) => callId)].map(([id, texts]) => [
      id,
      texts.map(({ text }) => text),
    ]),
  );
}

/** Calls of which the condition, given the SQL of their id, is true. */
export async function readRegistryCalls(
  tx: Tx,
  condition: (id: string) => string,
  limit: number,
): Promise<string[]> {
  const calls = Object.entries(ROWS).map(
    ([table, [call]]) =>
      `select ${call} as id from ${table} where tenant_id = (select ops.tenant()) and ${call} is not null`,
  );
  const rows = await query<{ id: string }>(
    tx,
    `select distinct c.id from (${calls.join(" union all ")}) c where ${condition("c.id")} limit $1`,
    [limit],
  );
  return rows.map(({ id }) => id);
}
