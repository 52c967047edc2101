import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { migrateUp } from "../src/kernel/migrate.ts";
import { type Cluster, startCluster } from "./cluster.ts";

// What single tables promise by triggers, checks and functions of their own. Each test runs in a transaction that is
// rolled back.
const HERE = "00000000-0000-7000-8000-00000000000a";
const ELSEWHERE = "00000000-0000-7000-8000-00000000000b";
const id = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;

let server: Cluster;
let client: pg.Client;
beforeAll(async () => {
  server = await startCluster();
  const db = await server.database();
  await migrateUp(db);
  client = new pg.Client(db);
  await client.connect();
}, 60_000);
afterAll(async () => {
  await client.end();
  await server.stop();
});
beforeEach(() => client.query("begin"));
afterEach(() => client.query("rollback"));

async function as(
  role: "writer" | "reader" | "retention" | "migrator",
  tenantId: string | null = HERE,
) {
  await client.query("select set_config('role', $1, true), set_config('app.tenant_id', $2, true)", [
    `sealbase_${role}`,
    tenantId ?? "",
  ]);
}
async function one(text: string): Promise<unknown> {
  const { rows } = await client.query({ text, rowMode: "array" });
  return rows[0]?.[0];
}
async function refused(text: string): Promise<string> {
  await client.query("savepoint attempt");
  const result = await client.query(text).then(
    () => "done",
    (error: pg.DatabaseError) => error.code ?? "?",
  );
  await client.query("rollback to attempt");
  return result;
}
const DENIED = "42501";
const CHECK = "23514";
const UNIQUE = "23505";

describe("revocation", () => {
  const revoke = (until: string) =>
    one(`select security.revoke_token('t', '${until}', 'lost', 'me')::text`);

  test("revoking twice keeps the later end", async () => {
    await as("writer");
    await revoke("2100-01-01Z");
    expect(await revoke("2090-01-01Z")).toMatch(/^2100/);
    expect(await revoke("2110-01-01Z")).toMatch(/^2110/);
    await client.query("update security.revoked_tokens set expires_at = '2080-01-01'");
    expect(await one("select expires_at::text from security.revoked_tokens")).toMatch(/^2110/);
  });

  test("a token or its session is revoked while the end is ahead, in its project", async () => {
    await as("writer");
    await revoke("2100-01-01Z");
    await client.query(
      "select security.revoke_session('s', '2100-01-01', 'left', 'me'), security.revoke_session('old', now(), 'left', 'me')",
    );
    expect(
      await one(
        "select array[security.is_revoked('t', null), security.is_revoked('x', 's'), security.is_revoked('x', 'old')]",
      ),
    ).toEqual([true, true, false]);
    await as("reader", ELSEWHERE);
    expect(await one("select security.is_revoked('t', 's')")).toBe(false);
  });

  test("leaves only when it has no effect any more", async () => {
    await as("writer");
    await revoke("2100-01-01Z");
    expect(await refused("delete from security.revoked_tokens")).toBe(DENIED);
    await client.query("select security.revoke_session('old', now(), 'left', 'me')");
    expect(await refused("delete from security.revoked_sessions")).toBe("done");
  });
});

describe("nonces", () => {
  const reserve = (amount: number) => one(`select security.reserve_nonces('k', ${amount})`);

  test("are reserved one after the other, by project", async () => {
    await as("writer");
    expect([await reserve(10), await reserve(5)]).toEqual(["10", "15"]);
    await as("writer", ELSEWHERE);
    expect(await reserve(1)).toBe("1");
  });

  test("the watermark neither falls nor goes, for nobody", async () => {
    await as("writer");
    await reserve(10);
    for (const role of ["writer", "retention", "migrator"] as const) {
      await as(role);
      expect(await refused("update security.nonce_watermarks set reserved_high = 9")).toBe(DENIED);
      expect(await refused("update security.nonce_watermarks set stream = 'other'")).toBe(DENIED);
      expect(await refused("delete from security.nonce_watermarks")).toBe(DENIED);
    }
  });

  test("a negative amount is refused", async () => {
    await as("writer");
    await reserve(10);
    expect(await refused("select security.reserve_nonces('k', -1)")).not.toBe("done");
  });
});

describe("aliases", () => {
  const key = (n: number) => `'\\x${String(n).padStart(64, "0")}'`;
  const set = (n: number, keys: string, signers: number) =>
    `insert into ledger.alias_maintainer_sets (tenant_id, id, alias, number, maintainers, min_signers, created_at)
     values ('${HERE}', '${id(n)}', 'a', 1, array[${keys}]::bytea[], ${signers}, now())`;
  const record = (n: number, seq: number, setId = 1) =>
    `insert into ledger.alias_records (tenant_id, id, alias, node, public_key, seq, signature, signed_at, record, maintainer_set_id, created_at)
     values ('${HERE}', '${id(n)}', 'a', substring(sha256(${key(0)}) for 20), ${key(0)}, ${seq}, '\\x${"00".repeat(64)}', now(), '\\x00', '${id(setId)}', now())`;
  const endorse = (n: number, by: number) =>
    `insert into ledger.alias_endorsements (tenant_id, alias_record_id, maintainer, signature, call_id, created_at)
     values ('${HERE}', '${id(n)}', ${key(by)}, '\\x${"00".repeat(64)}', '${id(9)}', now())`;

  test("have at least two signers, and as many maintainers", async () => {
    await as("writer");
    expect(await refused(set(1, `${key(1)}, ${key(2)}`, 1))).toBe(CHECK);
    expect(await refused(set(1, key(1), 2))).toBe(CHECK);
    expect(await refused(set(1, `${key(1)}, '\\x00'`, 2))).toBe(CHECK);
    expect(await refused(set(1, `${key(1)}, ${key(2)}`, 2))).toBe("done");
  });

  test("seq only rises above what is final", async () => {
    await as("writer");
    await client.query(set(1, `${key(1)}, ${key(2)}`, 2));
    await client.query(record(2, 5));
    await client.query(endorse(2, 1));
    expect(await refused(record(3, 5))).toBe(UNIQUE);
    expect(await refused(record(3, 4))).toBe("done");
    await client.query(record(3, 4));
    await client.query(endorse(2, 2));
    expect(await refused(record(4, 3))).toBe(CHECK);
    expect(await refused(endorse(3, 1))).toBe(CHECK);
    expect(await refused(record(4, 7))).toBe("done");
  });

  test("are endorsed by the current maintainers", async () => {
    await as("writer");
    await client.query(set(1, `${key(1)}, ${key(2)}`, 2));
    await client.query(record(2, 5));
    expect(await refused(endorse(2, 3))).toBe(CHECK);
    expect(await refused(endorse(2, 1))).toBe("done");
    const signatures = `array['\\x${"00".repeat(64)}', '\\x${"00".repeat(64)}']::bytea[]`;
    const next = (signers: string) =>
      `insert into ledger.alias_maintainer_sets (tenant_id, id, alias, number, maintainers, rotation_signers, rotation_signatures, created_at)
       values ('${HERE}', '${id(5)}', 'a', 2, array[${key(3)}, ${key(4)}]::bytea[], array[${signers}]::bytea[], ${signatures}, now())`;
    expect(await refused(next(key(1)))).toBe(CHECK);
    await client.query(next(`${key(1)}, ${key(2)}`));
    expect(await refused(endorse(2, 1))).toBe(CHECK);
    await client.query(record(6, 6, 5));
    expect(await refused(endorse(6, 3))).toBe("done");
  });
});

test("the 14 rule templates are those of the tiers", async () => {
  const { rows } = await client.query({
    text: `select tier, string_agg(rule_id || '@' || priority || ':' || array_to_string(allowed_methods || required_context, '|'), ' ' order by priority)
             from authz.policy_rule_templates group by tier order by tier`,
    rowMode: "array",
  });
  expect(rows).toEqual([
    ["T1", "allow.read@100: allow.write@110: allow.admin@200:passkey|mfa|password"],
    ["T2", "allow.read@100: allow.write@110: allow.admin@200:passkey|mfa"],
    [
      "T3",
      "allow.read@100: allow.write@110: allow.admin@200:passkey|mfa|step_up allow.txn@210:passkey|mfa|step_up",
    ],
    [
      "T4",
      "allow.read@100: allow.write@110: allow.admin@200:passkey|step_up allow.txn@210:passkey|step_up",
    ],
  ]);
});

describe("people", () => {
  beforeEach(async () => {
    await client.query(
      `insert into control_plane.organizations (id, name, slug) values ('${id(1)}', 'o', 'o');
       insert into control_plane.projects (id, organization_id, name, slug) values ('${HERE}', '${id(1)}', 'p', 'p');`,
    );
    await as("writer");
    await client.query(
      `insert into control_plane.users (id, display_name) values ('${id(2)}', 'A'), ('${id(3)}', 'B'), ('${id(4)}', 'C');
       insert into control_plane.identities (id, user_id, issuer, subject) values ('${id(5)}', '${id(2)}', 'i', 's'), ('${id(6)}', '${id(3)}', 'i', 't');
       insert into control_plane.memberships (tenant_id, user_id, role) values ('${HERE}', '${id(2)}', 'member');
       select set_config('app.organization_id', '${id(1)}', true);
       insert into control_plane.organization_memberships (organization_id, user_id, role) values ('${id(1)}', '${id(3)}', 'owner');
       select set_config('app.organization_id', '', true);`,
    );
  });

  test("are seen by the projects and organizations that they belong to", async () => {
    await as("reader");
    const names = "select array_agg(display_name order by display_name) from control_plane.users";
    expect(await one(names)).toEqual(["A"]);
    expect(await one("select count(*)::int from control_plane.identities")).toBe(1);
    await as("reader", null);
    await client.query(`select set_config('app.organization_id', '${id(1)}', true)`);
    expect(await one(names)).toEqual(["B"]);
  });

  test("sign in by issuer and subject before their project is known", async () => {
    await as("reader", null);
    expect(await one("select user_id from control_plane.find_identity('i', 't')")).toBe(id(3));
    expect(await one("select user_id from control_plane.find_identity('i', 'x')")).toBeUndefined();
  });

  test("the earlier names show the same rows", async () => {
    await as("reader");
    expect(await one("select tenant_id from control_plane.workspaces")).toBe(id(1));
    expect(await one("select count(*)::int from control_plane.tenants")).toBe(0);
    await client.query(`select set_config('app.organization_id', '${id(1)}', true)`);
    expect(await one("select id from control_plane.tenants")).toBe(id(1));
  });

  test("a consent stands once for a purpose, with or without an app", async () => {
    await as("writer");
    const give = (n: number) =>
      `insert into control_plane.consents (tenant_id, id, subject, purpose, scopes, evidence, given_at)
       values ('${HERE}', '${id(n)}', 'A', 'mail', '{}', '{}', now() - interval '1 day')`;
    await client.query(give(10));
    expect(await refused(give(11))).toBe("23505");
    await client.query("update control_plane.consents set withdrawn_at = now()");
    expect(await refused(give(11))).toBe("done");
    expect(await refused("update control_plane.consents set scopes = '{all}'")).toBe(DENIED);
  });
});

test("signatures derive magnitude and norm error, and refuse what is no number", async () => {
  await as("writer");
  const put = (w: string) =>
    `insert into vedic.quaternion_signatures (tenant_id, id, subject_type, subject_id, w, x, y, z, phase_rad, created_at)
     values ('${HERE}', '${id(1)}', 'call', '1', ${w}, 0, 0, 4, 0, now())`;
  expect(await refused(put("'NaN'"))).toBe(CHECK);
  expect(await refused(put("'Infinity'"))).toBe(CHECK);
  await client.query(put("3"));
  expect(
    await one("select array[magnitude, norm_error, frequency_hz] from vedic.quaternion_signatures"),
  ).toEqual([5, 4, 7.83]);
});

describe("daily numbers", () => {
  const score = (n: number, tenant: string, level: string) =>
    `insert into vedic.fraud_scores (tenant_id, id, model_version_id, score, level, reasons, features, score_max, refused, created_at)
     select '${tenant}', '${id(n)}', id, 0.5, '${level}', '{}', '{}', 0.9, false, '2026-01-01T23:30:00Z' from vedic.model_versions limit 1`;

  test("are counted by a refresh, by UTC day, and seen by their project only", async () => {
    await client.query("set local time zone 'Asia/Tokyo'");
    await client.query(
      `insert into vedic.model_versions (id, name, number, document, document_hash) values ('${id(9)}', 'test', 999, '{}', '\\x${"ab".repeat(32)}')`,
    );
    for (const [n, tenant, level] of [
      [1, HERE, "LOW"],
      [2, HERE, "LOW"],
      [3, HERE, "HIGH"],
      [4, ELSEWHERE, "LOW"],
    ] as const) {
      await client.query(score(n, tenant, level));
    }
    await as("writer");
    await client.query("select telemetry.refresh_daily()");
    await as("reader");
    const { rows } = await client.query(
      "select day::text, level, scores::int from telemetry.scores_daily order by level",
    );
    expect(rows).toEqual([
      { day: "2026-01-01", level: "HIGH", scores: 1 },
      { day: "2026-01-01", level: "LOW", scores: 2 },
    ]);
    expect(await refused("select * from telemetry.scores_daily_all")).toBe(DENIED);
    await as("reader", null);
    expect(await one("select count(*)::int from telemetry.scores_daily")).toBe(0);
  });
});

test("a dispatcher learns which projects have work that is due or was left behind, and nothing else", async () => {
  const put = (n: number, tenant: string, status: string, due: string, leased: string | null) =>
    client.query(
      `insert into ops.outbox (tenant_id, id, topic, payload, status, due_at, leased_by, leased_until, finished_at)
       values ($1, $2, 'mail', '{}', $3, now() + $4::interval, $5, now() + $6::interval, case when $3 = 'done' then now() end)`,
      [tenant, id(n), status, due, leased && "w", leased],
    );
  const tenants = [1, 2, 3, 4, 5].map((n) => id(100 + n));
  await put(1, tenants[0]!, "waiting", "-1s", null);
  await put(2, tenants[1]!, "waiting", "1h", null);
  await put(3, tenants[2]!, "running", "-1h", "-1s");
  await put(4, tenants[3]!, "running", "-1h", "1h");
  await put(5, tenants[4]!, "done", "-1h", null);
  await as("writer", null);
  expect(
    await one("select array_agg(t order by t)::text[] from ops.tenants_with_work() t"),
  ).toEqual([tenants[0], tenants[2]]);
  expect(await one("select count(*)::int from ops.outbox")).toBe(0);
});

test("what retention removed stays on record", async () => {
  await as("retention");
  await client.query(
    `insert into ops.retention_runs (tenant_id, id, retention_policy_id, table_name, rows_before, rows_removed, outcome, created_at)
     values ('${HERE}', '${id(1)}', '${id(2)}', 'telemetry.metrics', now(), 5, 'done', now())`,
  );
  expect(await refused("delete from ops.retention_runs")).toBe(DENIED);
});
