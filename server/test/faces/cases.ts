import { payment } from "../system.ts";
import { assess, type Case, idOf, missing, NOTHING, noId, noItems, tooLong } from "./case.ts";
import { authzCases, makeVersion, openPolicies } from "./cases-authz.ts";
import { filterCases } from "./cases-filters.ts";
import { ledgerCases } from "./cases-ledger.ts";
import { previewCases } from "./cases-previews.ts";
import { registryCases } from "./cases-registries.ts";
import type { World } from "./world.ts";

export type { Case } from "./case.ts";

const startAudit = ({ ask }: World) => ask("POST", "/v1/ledger/audits", {});
const makeSession = ({ ask }: World, name: string) =>
  ask("POST", "/v1/agent-sessions", { name, writes: ["risk"], calls_max: 7 });
const makeKey = ({ ask, accountId }: World) =>
  ask("POST", "/v1/api-keys", { service_account_id: accountId, name: "second" });
const makeWebhook = ({ ask }: World) =>
  ask("POST", "/v1/webhooks", { url: "https://example.com/hook", channels: ["scores", "entries"] });

const THING = { type: "Thing", name: "A thing", tier: "T2", attributes: { size: 1, tags: ["a"] } };
const setThing = ({ ask }: World, external_id: string) =>
  ask("POST", "/v1/resources", { ...THING, external_id });

/** An agent's call that waits for a person. */
async function makeApproval(world: World): Promise<{ id: string }> {
  const document = await openPolicies(world, { approval: "required" });
  const { number } = await makeVersion(world, { document });
  await world.ask("POST", `/v1/policies/default/versions/${number}/validate`, {});
  await world.ask("POST", `/v1/policies/default/versions/${number}/activate`, {
    without_preview: "a test",
  });
  const { key } = await makeSession(world, "asks");
  await world.ask("POST", "/v1/risk/transactions", payment(), key).catch(() => undefined);
  const { items } = await world.ask("GET", "/v1/approvals");
  return items[0];
}

export const cases: readonly Case[] = [
  ...authzCases,
  ...previewCases,
  ...filterCases,
  ...ledgerCases,
  ...registryCases,
  {
    operation: "risk.transaction.assess",
    prepare: () =>
      payment({
        external_id: "t-1",
        origin_before_cents: Number.MAX_SAFE_INTEGER,
        origin_after_cents: Number.MAX_SAFE_INTEGER - 12_345,
        occurred_at: "2026-05-01T12:00:00.000Z",
      }),
    bad: { origin_account: "" },
  },
  {
    operation: "telemetry.chain.why",
    prepare: (world) => idOf(assess(world)),
    bad: { id: tooLong.slice(0, 129) },
    missing: missing("action/chain_missing"),
  },
  {
    operation: "telemetry.chain.replay",
    prepare: (world) => idOf(assess(world)),
    bad: { id: tooLong.slice(0, 129) },
    missing: missing("action/chain_missing"),
  },
  {
    operation: "feed.event.watch",
    async prepare(world) {
      await assess(world);
      return { after: "0.0", events_max: 3 };
    },
    bad: { after: "none" },
  },
  { operation: "control-plane.me.get", prepare: () => ({}), isOpen: true },
  {
    operation: "control-plane.project.create",
    prepare: () => ({ name: "Second", slug: "second", score_max: 0.5 }),
    bad: { slug: "No slug" },
  },
  {
    operation: "control-plane.project.list",
    async prepare({ ask }) {
      await ask("POST", "/v1/projects", { name: "Second", slug: "second" });
      return { limit: 1 };
    },
    bad: noItems,
  },
  {
    operation: "control-plane.project.get",
    prepare: ({ projectId }) => ({ id: projectId }),
    bad: noId,
    missing: missing("action/project_missing"),
  },
  {
    operation: "control-plane.project.update",
    prepare: ({ projectId }) => ({ id: projectId, score_max: 0.25 }),
    bad: { score_max: 2 },
    missing: missing("action/project_missing"),
  },
  {
    operation: "control-plane.service-account.create",
    prepare: () => ({ name: "second", groups: ["readers"] }),
    bad: { name: tooLong },
  },
  {
    operation: "control-plane.service-account.list",
    async prepare({ ask }) {
      await ask("POST", "/v1/service-accounts", { name: "second", groups: ["readers"] });
      return { limit: 1 };
    },
    bad: noItems,
  },
  {
    operation: "control-plane.resource.set",
    async prepare(world) {
      await setThing(world, "above");
      return { ...THING, external_id: "below", parent: { type: "Thing", id: "above" } };
    },
    bad: { type: "no type" },
  },
  {
    operation: "control-plane.resource.list",
    async prepare(world) {
      await setThing(world, "one");
      await setThing(world, "two");
      return { limit: 1, type: "Thing" };
    },
    bad: noItems,
  },
  {
    operation: "control-plane.resource.get",
    prepare: (world) => idOf(setThing(world, "one")),
    bad: noId,
    missing: missing("action/resource_missing"),
  },
  {
    operation: "control-plane.resource.delete",
    prepare: (world) => idOf(setThing(world, "one")),
    bad: noId,
    missing: missing("action/resource_missing"),
  },
  {
    operation: "control-plane.api-key.create",
    prepare: ({ accountId }) => ({
      service_account_id: accountId,
      name: "second",
      expires_at: "2100-01-01T00:00:00.000Z",
    }),
    bad: { name: tooLong },
    missing: missing("action/service_account_missing", { service_account_id: NOTHING }),
  },
  {
    operation: "control-plane.api-key.list",
    async prepare(world) {
      await makeKey(world);
      return { limit: 1 };
    },
    bad: noItems,
  },
  {
    operation: "control-plane.api-key.revoke",
    prepare: (world) => idOf(makeKey(world)),
    bad: noId,
    missing: missing("action/api_key_missing"),
  },
  {
    operation: "agents.agent-session.create",
    prepare: () => ({
      name: "second",
      writes: ["risk", "ledger.audit"],
      calls_max: 5,
      seconds: 90,
    }),
    bad: { seconds: 1 },
  },
  {
    operation: "agents.agent-session.list",
    async prepare(world) {
      await makeSession(world, "one");
      await makeSession(world, "two");
      return { limit: 1 };
    },
    bad: noItems,
  },
  {
    operation: "agents.agent-session.end",
    prepare: (world) => idOf(makeSession(world, "one")),
    bad: noId,
    missing: missing("action/agent_session_missing"),
  },
  {
    operation: "agents.approval.list",
    async prepare(world) {
      await makeApproval(world);
      return { limit: 1, status: "waiting" };
    },
    bad: noItems,
  },
  {
    operation: "agents.approval.settle",
    prepare: async (world) => ({
      ...(await idOf(makeApproval(world))),
      granted: true,
      reason: "expected",
    }),
    bad: { reason: tooLong },
    missing: missing("action/approval_not_waiting"),
  },
  {
    operation: "ops.job.list",
    async prepare(world) {
      await startAudit(world);
      await startAudit(world);
      return { limit: 1, status: "waiting", topic: "ledger.audit" };
    },
    bad: noItems,
  },
  {
    operation: "ops.job.get",
    prepare: (world) => idOf(startAudit(world)),
    bad: noId,
    missing: missing("action/job_missing"),
  },
  {
    operation: "ops.job.retry",
    async prepare(world) {
      const { id } = await startAudit(world);
      await world.ask("POST", `/v1/jobs/${id}/cancel`, {});
      return { id };
    },
    bad: noId,
    missing: missing("action/job_missing"),
  },
  {
    operation: "ops.job.cancel",
    prepare: (world) => idOf(startAudit(world)),
    bad: noId,
    missing: missing("action/job_missing"),
  },
  { operation: "ops.schedule.list", prepare: () => ({}) },
  {
    operation: "ops.schedule.update",
    prepare: () => ({ topic: "ledger.audit", every_s: 7_200, enabled: false }),
    bad: { every_s: 1 },
    missing: missing("action/schedule_missing", { topic: "nothing" }),
  },
  {
    operation: "ops.retention-policy.list",
    async prepare({ ask }) {
      await ask("POST", "/v1/retention-policies", { table: "ops.outbox", keep_days: 30 });
      return {};
    },
  },
  {
    operation: "ops.retention-policy.set",
    prepare: () => ({ table: "ops.outbox", keep_days: 30 }),
    bad: { keep_days: 0 },
  },
  {
    operation: "ops.message.receive",
    prepare: () => ({
      source: "erp",
      message_id: "m-1",
      payload: { lines: [1, 2.5, null, "x", true], none: null, empty: {}, list: [] },
    }),
    bad: { source: "" },
  },
  {
    operation: "webhooks.webhook.create",
    prepare: () => ({
      url: "https://example.com/hook",
      channels: ["scores", "entries"],
      after: "0.0",
    }),
    bad: { url: "none" },
  },
  {
    operation: "webhooks.webhook.list",
    async prepare(world) {
      await makeWebhook(world);
      await makeWebhook(world);
      return { limit: 1 };
    },
    bad: noItems,
  },
  {
    operation: "webhooks.webhook.get",
    prepare: (world) => idOf(makeWebhook(world)),
    bad: noId,
    missing: missing("action/webhook_missing"),
  },
  {
    operation: "webhooks.webhook.update",
    prepare: async (world) => ({
      ...(await idOf(makeWebhook(world))),
      channels: ["decisions"],
      enabled: false,
    }),
    bad: { url: "none" },
    missing: missing("action/webhook_missing"),
  },
  {
    operation: "webhooks.webhook.delete",
    prepare: (world) => idOf(makeWebhook(world)),
    bad: noId,
    missing: missing("action/webhook_missing"),
  },
  {
    operation: "webhooks.webhook.replay",
    prepare: async (world) => ({ ...(await idOf(makeWebhook(world))), after: "0.0" }),
    bad: { after: "none" },
    missing: missing("action/webhook_missing"),
  },
  {
    operation: "webhooks.webhook.rotate",
    prepare: (world) => idOf(makeWebhook(world)),
    bad: noId,
    missing: missing("action/webhook_missing"),
  },
];

const byOperation = new Map(cases.map((one) => [one.operation, one]));
export const caseOf = (operation: string): Case | undefined => byOperation.get(operation);
