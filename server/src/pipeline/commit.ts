import { type Append, byTable, StatementBuilder } from "#kernel/append.ts";
import { query, type Tx } from "#kernel/db.ts";
import { addClaims, type Claim } from "./idempotency.ts";
import type { Revision } from "./ports.ts";

/** Everything that one call writes. */
export interface Writing {
  readonly tenantId: string;
  /** Id of the call. */
  readonly id: string;
  readonly rows: readonly Append[];
  readonly claim?: Claim | undefined;
  /** The revision that the call was decided at; absent when nothing was decided. */
  readonly revision?: number | undefined;
}

export interface Written {
  /** The project's revision as this transaction saw it; null when the project is gone. */
  readonly revision: number | null;
  /** Places in the list of those that lost their Idempotency-Key to an earlier call; they wrote nothing. */
  readonly lost: ReadonlySet<number>;
}

/**
 * Writes several calls of one project in one statement:
 *
 *     with claimed as (insert into ops.idempotency_keys … on conflict …), lost as (…),
 *       a2 as (insert into authz.policy_decisions … from unnest(…) where r."call" not in (select "call" from lost)),
 *       …
 *     select (select revision …), array(select "call" from lost)
 */
export async function writeAll(
  tx: Tx,
  revision: Revision,
  writings: readonly Writing[],
): Promise<Written> {
  const statement = new StatementBuilder();
  const tenant = statement.value(writings[0]!.tenantId);
  const claims = writings.flatMap(({ claim, id }, call) =>
    claim === undefined ? [] : [{ ...claim, call, decisionId: id }],
  );
  const keyed = claims.length > 0;
  if (keyed) addClaims(statement, tenant, claims);
  for (const [table, rows] of byTable(writings)) {
    statement.insert(
      table,
      rows,
      tenant,
      keyed ? 'where r."call" not in (select "call" from lost)' : "",
    );
  }
  const [row] = await query<{ revision: number | null; lost: number[] }>(
    tx,
    `${statement.parts.length > 0 ? `with ${statement.parts.join(",\n")}\n` : ""}select ${revision(tenant)} as revision, ` +
      `${keyed ? 'array(select "call" from lost)' : "'{}'::int4[]"} as lost`,
    statement.values,
  );
  return { revision: row!.revision, lost: new Set(row!.lost) };
}
