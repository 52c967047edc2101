import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { operations } from "../../src/main.ts";
import { withClient } from "../cluster.ts";
import { leaveDrift } from "../drift.ts";
import { leaveProposal } from "../policies.ts";
import {
  type Answer,
  type Caller,
  openTestSystem,
  payment,
  sealedEntries,
  type TestSystem,
} from "../system.ts";
import { authzTenancy } from "../tenancy-authz.ts";
import { makeTheirs, registryTenancy } from "../tenancy-registries.ts";
import { VAULT_TENANCY } from "../tenancy-vault.ts";

/** What the first project has, and the second must not see. */
interface Theirs {
  readonly proposal: string;
  readonly resource: string;
  readonly project: string;
  readonly account: string;
  readonly apiKey: string;
  readonly call: string;
  readonly requestId: string;
  readonly version: string;
  readonly session: string;
  readonly approval: string;
  readonly job: string;
  readonly webhook: string;
  readonly sealed: string;
  readonly aliasRecord: string;
  readonly paymentRecord: string;
  readonly forwarding: string;
  /** Named by its keys, which another project may announce, too. */
  readonly node: string;
}

let system: TestSystem;
let other: Caller;
let theirs: Theirs;
beforeAll(async () => {
  system = await openTestSystem();
  const { home } = system;
  const account = await home.call("POST", "/v1/service-accounts", {
    name: "theirs",
    groups: ["admins"],
  });
  const key = await home.call("POST", "/v1/api-keys", {
    service_account_id: account.body.id,
    name: "theirs",
  });
  const policies = await home.call("GET", "/v1/policies/default");
  for (const set of ["theirs", "theirs-alone"])
    await home.call("POST", `/v1/policies/${set}/versions`, { text: "" });
  const paid = await home.call(
    "POST",
    "/v1/risk/transactions",
    payment({ origin_account: "THEIR-ACCOUNT" }),
    {
      "x-request-id": "their-request",
      "idempotency-key": "shared",
    },
  );
  const session = await home.call("POST", "/v1/agent-sessions", { name: "t", writes: ["risk"] });
  const [approval] = await system.sql<{ id: string }>(
    `insert into control_plane.approvals (tenant_id, id, agent_session_id, operation, input, input_hash, decision_id, expires_at)
     values ($1, gen_random_uuid(), $2, 'risk.transaction.assess', '{}', sha256(''), $2, now() + interval '1 hour') returning id`,
    [home.projectId, session.body.id],
  );
  const job = await home.call("POST", "/v1/ledger/audits", {});
  const webhook = await home.call("POST", "/v1/webhooks", {
    url: "https://theirs.example/",
    channels: ["scores"],
  });
  const seal = await home.call("POST", "/v1/vault/entries", { session_id: "their-session" });
  await home.call("POST", "/v1/messages", { source: "s", message_id: "m", payload: {} });
  await leaveDrift(system, home.projectId);
  const thing = await home.call("POST", "/v1/resources", { type: "Thing", external_id: "theirs" });
  theirs = {
    proposal: await leaveProposal(system, home.projectId),
    resource: thing.body.id,
    ...(await makeTheirs(home)),
    session: session.body.id,
    approval: approval!.id,
    job: job.body.id,
    webhook: webhook.body.id,
    sealed: seal.body.sealed.entry_hash,
    project: home.projectId,
    account: account.body.id,
    apiKey: key.body.id,
    call: paid.body.id,
    requestId: "their-request",
    version: policies.body.id,
  };
  other = await system.project();
  await sealedEntries(system, home.projectId);
});
afterAll(() => system.stop());

type Case = (theirs: Theirs) => {
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** What the other project gets: an error code, or an answer that is its own. */
  readonly want: string | ((answer: Answer) => void);
};

const only = (count: number) => (answer: Answer) => expect(answer.body.items).toHaveLength(count);

const webhook =
  (method: string): Case =>
  ({ webhook: id }) => ({
    path: `/v1/webhooks/${id}${method}`,
    body: method === "/replay" ? { after: "0.0" } : {},
    want: "action/webhook_missing",
  });

/** One for each operation: a new one without a case fails below. */
const CASES: Record<string, Case> = {
  ...authzTenancy(only),
  ...registryTenancy(only),
  ...VAULT_TENANCY,
  "agents.agent-session.create": () => ({
    path: "/v1/agent-sessions",
    body: { name: "mine" },
    want: ({ status }) => expect(status).toBe(201),
  }),
  "agents.agent-session.list": () => ({ path: "/v1/agent-sessions", want: only(0) }),
  "agents.agent-session.end": ({ session }) => ({
    path: `/v1/agent-sessions/${session}`,
    want: "action/agent_session_missing",
  }),
  "agents.approval.list": () => ({ path: "/v1/approvals", want: only(0) }),
  "agents.approval.settle": ({ approval }) => ({
    path: `/v1/approvals/${approval}/settle`,
    body: { granted: true },
    want: "action/approval_not_waiting",
  }),
  "feed.event.watch": () => ({
    path: "/v1/realtime?after=0.0&seconds_max=1",
    headers: { accept: "text/event-stream" },
    want: ({ text }) => expect(text).toContain('"channel":"head"'),
  }),
  "ledger.audit.start": () => ({
    path: "/v1/ledger/audits",
    body: {},
    want: ({ status }) => expect(status).toBe(202),
  }),
  "ops.job.list": () => ({ path: "/v1/jobs", want: only(0) }),
  "ops.job.get": ({ job }) => ({ path: `/v1/jobs/${job}`, want: "action/job_missing" }),
  "ops.job.retry": ({ job }) => ({
    path: `/v1/jobs/${job}/retry`,
    body: {},
    want: "action/job_missing",
  }),
  "ops.job.cancel": ({ job }) => ({
    path: `/v1/jobs/${job}/cancel`,
    body: {},
    want: "action/job_missing",
  }),
  "ops.message.receive": () => ({
    path: "/v1/messages",
    body: { source: "s", message_id: "m", payload: {} },
    want: ({ body }) => expect(body.accepted).toBe("new"),
  }),
  "ops.retention-policy.list": () => ({
    path: "/v1/retention-policies",
    want: ({ body }) =>
      expect(body.items.map((item: { created_by: string }) => item.created_by)).toEqual([
        "Sealbase:server",
        "Sealbase:server",
      ]),
  }),
  "ops.retention-policy.set": () => ({
    path: "/v1/retention-policies",
    body: { table: "ops.outbox", keep_days: 1 },
    want: ({ status }) => expect(status).toBe(200),
  }),
  "ops.schedule.list": () => ({
    path: "/v1/schedules",
    want: ({ body }) =>
      expect(body.items.every((item: { last_job_id: unknown }) => item.last_job_id === null)).toBe(
        true,
      ),
  }),
  "ops.schedule.update": () => ({
    path: "/v1/schedules/ledger.audit",
    body: { enabled: false },
    want: ({ status }) => expect(status).toBe(200),
  }),
  "webhooks.webhook.create": () => ({
    path: "/v1/webhooks",
    body: { url: "https://mine.example/", channels: ["scores"] },
    want: ({ body }) => expect(body.position).toBe("0.0"),
  }),
  "webhooks.webhook.list": () => ({ path: "/v1/webhooks", want: only(0) }),
  "webhooks.webhook.get": webhook(""),
  "webhooks.webhook.update": webhook(""),
  "webhooks.webhook.delete": webhook(""),
  "webhooks.webhook.replay": webhook("/replay"),
  "webhooks.webhook.rotate": webhook("/rotate"),
  "risk.transaction.assess": () => ({
    path: "/v1/risk/transactions",
    body: payment({ origin_account: "MINE" }),
    want: ({ headers }) => expect(headers["idempotency-replayed"]).toBeUndefined(),
  }),
  "telemetry.chain.why": ({ requestId }) => ({
    path: `/v1/decisions/${requestId}/why`,
    want: "action/chain_missing",
  }),
  "telemetry.chain.replay": ({ call }) => ({
    path: `/v1/decisions/${call}/replay`,
    want: "action/chain_missing",
  }),
  "ledger.checkpoint.get": () => ({
    path: "/v1/ledger/checkpoint",
    want: ({ body }) => expect(body.log ?? body.code).not.toContain(system.home.projectId),
  }),
  "ledger.entry.list": () => ({
    path: "/v1/ledger/entries",
    want: ({ status }) => expect(status).toBe(200),
  }),
  "ledger.entry.export": ({ call }) => ({
    path: `/v1/ledger/export?resource=Transaction:${call}`,
    headers: { accept: "application/x-ndjson" },
    want: ({ text }) => expect(text).not.toContain('"entry"'),
  }),
  "ledger.entry.get": ({ call }) => ({
    path: `/v1/ledger/entries/${call}`,
    want: "action/entry_missing",
  }),
  "ledger.payload.erase": ({ call }) => ({
    path: `/v1/ledger/entries/${call}/erase`,
    body: { reason: "not mine" },
    want: "action/entry_missing",
  }),
  "ledger.archive.list": () => ({ path: "/v1/ledger/archives", want: only(0) }),
  "ledger.archive.read": ({ call }) => ({
    path: "/v1/ledger/archives/entries?from=0",
    want: ({ text }) => expect(text).not.toContain(call),
  }),
  "ledger.archive.commit": () => ({
    path: "/v1/ledger/archives",
    body: { past: 256, root: "", manifest_hash: "0".repeat(64) },
    want: "action/size_unpublished",
  }),
  "ledger.archive.restore": ({ call }) => ({
    path: "/v1/ledger/archives/restore",
    body: { entries: [{ index: 0, id: call, entry: "{}", salt: null, payload: null }] },
    want: "action/nothing_archived",
  }),
  "ledger.receipt.get": ({ call }) => ({
    path: `/v1/ledger/entries/${call}/receipt`,
    want: "action/entry_missing",
  }),
  "ledger.key.list": () => ({
    path: "/v1/ledger/keys",
    want: ({ body }) => expect(body.log).toContain(other.projectId),
  }),
  "ledger.key.rotate": () => ({
    path: "/v1/ledger/keys/rotate",
    body: {},
    want: ({ status }) => expect(status).toBe(202),
  }),
  "ledger.root-seal.get": () => ({
    path: "/v1/ledger/root-seal",
    want: "action/root_seal_pending",
  }),
  "ledger.tile.get": () => ({
    path: "/v1/ledger/tiles?level=0&index=0",
    want: ({ text }) => expect(text).not.toContain(system.home.projectId),
  }),
  "ledger.bundle.get": () => ({
    path: "/v1/ledger/bundles?index=0",
    want: ({ text }) => expect(text).not.toContain(system.home.projectId),
  }),
  "ledger.consistency.get": () => ({
    path: "/v1/ledger/consistency?older_size=0",
    want: ({ body }) => expect(body.log).toContain(other.projectId),
  }),
  "ledger.log.open": () => ({
    path: "/v1/ledger/open",
    body: { readers: "entries" },
    want: ({ body }) => expect(body.log).toContain(other.projectId),
  }),
  "ledger.log.verify": () => ({
    path: "/v1/ledger/verify",
    want: ({ body }) => expect(body.log).toContain(other.projectId),
  }),
  "control-plane.me.get": () => ({
    path: "/v1/me",
    want: ({ body }) => expect(body.project.id).toBe(other.projectId),
  }),
  "control-plane.project.create": () => ({
    path: "/v1/projects",
    body: { name: "first", slug: "second" },
    want: ({ status }) => expect(status).toBe(201),
  }),
  "control-plane.project.list": () => ({
    path: "/v1/projects",
    want: ({ body }) =>
      expect(body.items.map(({ id }: { id: string }) => id)).toContain(other.projectId),
  }),
  "control-plane.project.get": ({ project }) => ({
    path: `/v1/projects/${project}`,
    want: "action/project_missing",
  }),
  "control-plane.project.update": ({ project }) => ({
    path: `/v1/projects/${project}`,
    body: { score_max: 1 },
    want: "action/project_missing",
  }),
  "control-plane.resource.set": () => ({
    path: "/v1/resources",
    body: { type: "Thing", external_id: "theirs", parent: { type: "Thing", id: "theirs" } },
    want: "action/parent_missing",
  }),
  "control-plane.resource.list": () => ({ path: "/v1/resources", want: only(0) }),
  "control-plane.resource.get": ({ resource }) => ({
    path: `/v1/resources/${resource}`,
    want: "action/resource_missing",
  }),
  "control-plane.resource.delete": ({ resource }) => ({
    path: `/v1/resources/${resource}`,
    want: "action/resource_missing",
  }),
  "control-plane.service-account.create": () => ({
    path: "/v1/service-accounts",
    body: { name: "theirs" },
    want: ({ status }) => expect(status).toBe(201),
  }),
  "control-plane.service-account.list": () => ({
    path: "/v1/service-accounts",
    want: ({ status }) => expect(status).toBe(200),
  }),
  "control-plane.api-key.create": ({ account }) => ({
    path: "/v1/api-keys",
    body: { service_account_id: account, name: "mine" },
    want: "action/service_account_missing",
  }),
  "control-plane.api-key.list": () => ({ path: "/v1/api-keys", want: only(1) }),
  "control-plane.api-key.revoke": ({ apiKey }) => ({
    path: `/v1/api-keys/${apiKey}`,
    want: "action/api_key_missing",
  }),
};

/** What a body of the other project's says back is its own. */
const ECHOED: readonly string[] = ["authz.decision.ask", "vault.legacy.import"];

describe("another organization's project sees nothing through", () => {
  beforeEach(async () => {
    other = await system.project();
  });

  test.each(operations)("$name", async ({ name, rest }) => {
    const made = CASES[name]?.(theirs);
    if (made === undefined)
      throw new Error(`${name} has no case here: add what another project gets from it`);
    const [method] = rest.split(" ") as ["GET" | "POST" | "PATCH" | "DELETE"];
    const answer = await other.call(
      method,
      made.path,
      method === "GET" || method === "DELETE" ? undefined : made.body,
      { "idempotency-key": "shared", ...made.headers },
    );
    if (typeof made.want === "string") expect(answer.body.code).toBe(made.want);
    else made.want(answer);
    if (ECHOED.includes(name) || answer.status >= 400) return;
    for (const id of Object.values(theirs)) expect(answer.text).not.toContain(id);
    expect(answer.text).not.toContain("THEIR-ACCOUNT");
  });

  test("and no case is left over", () => {
    expect(Object.keys(CASES).sort()).toEqual(operations.map(({ name }) => name).sort());
  });
});

test("what the other project tried changed nothing of the first", async () => {
  const { home } = system;
  const open = await system.as("").call("GET", `/log/${home.projectId}/checkpoint`);
  expect(open.body.code).toBe("request/log_missing");
  expect((await home.call("GET", `/v1/projects/${theirs.project}`)).body.score_max).not.toBe(1);
  const keys = (await home.call("GET", "/v1/api-keys")).body.items;
  expect(keys.every(({ revoked_at }: { revoked_at: string | null }) => revoked_at === null)).toBe(
    true,
  );
});

describe("as the server's own user, in SQL", () => {
  let tables: string[];
  beforeAll(async () => {
    const rows = await system.sql<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and not c.relispartition and n.nspname !~ '^(pg_|information_schema)'
          and exists (select from pg_attribute a where a.attrelid = c.oid and attname = 'tenant_id') order by 1`,
    );
    tables = rows.map(({ name }) => name);
    expect(tables.length).toBeGreaterThan(30);
  });

  const count = (role: string, tenant: string, where = "true") =>
    withClient(system.server, async (client) => {
      const seen: Record<string, number> = {};
      for (const table of tables) {
        await client.query("begin");
        await client.query(
          "select set_config('role', $1, true), set_config('app.tenant_id', $2, true)",
          [role, tenant],
        );
        const found = await client
          .query(`select count(*)::int as n from ${table} where ${where}`)
          .then(
            ({ rows }) => rows[0].n as number,
            (error: { code: string }) => (error.code === "42501" ? 0 : Promise.reject(error)),
          );
        if (found > 0) seen[table] = found;
        await client.query("rollback");
      }
      return seen;
    });

  test.each(["sealbase_reader", "sealbase_writer"])(
    "%s sees its project's rows only",
    async (role) => {
      expect(await count(role, other.projectId, `tenant_id <> '${other.projectId}'`)).toEqual({});
      expect(Object.keys(await count(role, other.projectId)).length).toBeGreaterThan(5);
    },
  );

  test.each(["sealbase_reader", "sealbase_writer"])(
    "%s sees nothing without a project",
    async (role) => {
      expect(await count(role, "")).toEqual({});
    },
  );

  test("a writer cannot put a row into another project", async () => {
    await withClient(system.server, async (client) => {
      await client.query("begin");
      await client.query(
        "select set_config('role', 'sealbase_writer', true), set_config('app.tenant_id', $1, true)",
        [other.projectId],
      );
      const insert = client.query(
        "insert into control_plane.service_accounts (tenant_id, id, name) values ($1, gen_random_uuid(), 'x')",
        [theirs.project],
      );
      await expect(insert).rejects.toMatchObject({ code: "42501" });
    });
  });

  // On a server the URL names the owner, who migrates; on the embedded engine the two are apart.
  test.runIf(inject("engine").kind === "embedded")(
    "the user itself, without a role, sees no project's rows",
    async () => {
      const seen = await withClient(system.server, async (client) => {
        const rows: unknown[] = [];
        for (const table of tables) {
          const found = await client
            .query(`select count(*)::int as n from ${table}`)
            .catch(() => ({ rows: [{ n: 0 }] }));
          if (found.rows[0].n > 0) rows.push(table);
        }
        return rows;
      });
      expect(seen).toEqual([]);
    },
  );
});
