import { query, type Tx } from "#kernel/db.ts";
import type { Alarm } from "./sampler.ts";

export interface Quarantined {
  readonly set: string;
  readonly number: number;
}

/** The version may not decide any more, nor be activated again; undefined when that is so already. */
export async function quarantineVersion(
  tx: Tx,
  id: string,
  because: Alarm["because"],
): Promise<Quarantined | undefined> {
  const [row] = await query<Quarantined>(
    tx,
    `update authz.policy_versions v set quarantined_at = now(), quarantined_because = $2
     from authz.policy_sets s
     where v.tenant_id = (select ops.tenant()) and v.id = $1 and v.quarantined_at is null
       and s.tenant_id = v.tenant_id and s.id = v.policy_set_id
     returning s.name as set, v.number`,
    [id, because],
  );
  return row;
}
