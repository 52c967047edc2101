import { makeDocs } from "../policies.ts";
import { payment } from "../system.ts";
import { assess, type Case, idOf, missing, NOTHING, noId, noItems, tooLong } from "./case.ts";
import { filterCases } from "./cases-filters.ts";
import { ledgerCases } from "./cases-ledger.ts";
import { registryCases } from "./cases-registries.ts";
import type { World } from "./world.ts";

export type { Case } from "./case.ts";

const QUESTION = {
  principal: { type: "User", id: "ada", groups: ["readers"] },
  action: "doc.page.read",
  resource: { type: "Doc", id: "1" },
  context: { address: "10.0.0.1", hour: 9, vpn: true, tags: ["a", "b"] },
  entities: [
    { uid: { type: "Doc", id: "1" }, attrs: { owner: { __entity: { type: "User", id: "bob" } } } },
  ],
};

const question = async ({ ask }: World) => ({
  ...QUESTION,
  set: await makeDocs((path, body) => ask("POST", path, body)),
});
const askFor = async (world: World) => world.ask("POST", "/v1/decisions", await question(world));
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

const OPEN = 'permit(principal in Group::"admins", action, resource); // all\n';
const makeVersion = ({ ask }: World, body: object) =>
  ask("POST", "/v1/policies/default/versions", body);
const draft = async (world: World) => ({
  set: "default",
  number: (await makeVersion(world, { text: OPEN })).number as number,
});
const noVersion = missing("action/version_missing", { set: "default", number: 99 });

async function policies({ ask }: World, annotations: object) {
  const { document } = await ask("GET", "/v1/policies/default");
  document.staticPolicies["admins-may-do-everything"].annotations = annotations;
  return document;
}

/** An agent's call that waits for a person. */
async function makeApproval(world: World): Promise<{ id: string }> {
  const document = await policies(world, { approval: "required" });
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
  ...ledgerCases,
  ...registryCases,
  ...filterCases,
  {
    operation: "authz.decision.ask",
    prepare: question,
    bad: { action: "" },
  },
  {
    operation: "authz.decision.list",
    async prepare(world) {
      const asked = await question(world);
      await world.ask("POST", "/v1/decisions", asked);
      await world.ask("POST", "/v1/decisions", asked);
      return { limit: 1, outcome: "deny", action: "doc.page.read" };
    },
    bad: noItems,
  },
  {
    operation: "authz.decision.get",
    prepare: (world) => idOf(askFor(world)),
    bad: noId,
    missing: missing("action/decision_missing"),
  },
  { operation: "authz.drift-watch.start", prepare: () => ({}) },
  {
    operation: "authz.drift-window.list",
    async prepare(world) {
      await askFor(world);
      await world.leaveDrift();
      return { limit: 1 };
    },
    bad: noItems,
  },
  {
    operation: "authz.drift-finding.list",
    async prepare(world) {
      await askFor(world);
      await world.leaveDrift();
      return { limit: 1, kind: "first_allowed" };
    },
    bad: noItems,
  },
  {
    operation: "authz.policy-set.list",
    async prepare(world) {
      await world.ask("POST", "/v1/policies/pages/versions", { text: "" });
      return { limit: 1 };
    },
    bad: noItems,
  },
  {
    operation: "authz.policy.get",
    prepare: () => ({ set: "default" }),
    bad: { set: "No set" },
    missing: missing("action/no_policies", { set: "none" }),
  },
  { operation: "authz.policy-template.list", prepare: () => ({ limit: 1 }), bad: noItems },
  {
    operation: "authz.policy-text.check",
    prepare: () => ({
      text: `${OPEN}permit(principal == ?principal, action == Action::"page.read", resource);`,
      links: [
        {
          templateId: "policy1",
          newId: "ada",
          values: { "?principal": { type: "User", id: "ada" } },
        },
      ],
      schema: 'entity Page; action "page.read" appliesTo { principal: User, resource: Page };',
    }),
    bad: { links: [{ templateId: "", newId: "a", values: {} }] },
  },
  {
    operation: "authz.policy-version.list",
    async prepare(world) {
      await makeVersion(world, { text: OPEN });
      return { set: "default", limit: 1 };
    },
    bad: noItems,
    missing: missing("action/set_missing", { set: "none" }),
  },
  {
    operation: "authz.policy-version.get",
    prepare: async (world) => ({ ...(await draft(world)), text: "formatted" }),
    bad: { number: 0 },
    missing: noVersion,
  },
  {
    operation: "authz.policy-version.create",
    prepare: async (world) => ({
      set: "default",
      document: await policies(world, { owner: "ada" }),
      schema: { Own: { entityTypes: { Page: {} }, actions: {} } },
      base: 1,
    }),
    bad: { base: -1 },
    missing: missing("action/base_moved", { base: 99 }),
  },
  {
    operation: "authz.policy-version.validate",
    prepare: draft,
    bad: { number: 0 },
    missing: noVersion,
  },
  {
    operation: "authz.policy-version.preview",
    async prepare(world) {
      const asked = await question(world);
      await world.ask("POST", "/v1/decisions", asked);
      const text = "permit (principal, action, resource);";
      const { number } = await world.ask("POST", "/v1/policies/docs/versions", { text });
      return { set: "docs", number, max: 10 };
    },
    bad: { number: 0 },
  },
  {
    operation: "authz.policy-preview.get",
    async prepare(world) {
      await question(world);
      return { set: "docs", id: await world.leavePreview("docs", 1) };
    },
    bad: noId,
    missing: missing("action/preview_missing", { id: NOTHING }),
  },
  {
    operation: "authz.policy.simulate",
    async prepare(world) {
      const { set, ...asked } = await question(world);
      return { set, number: 1, requests: [asked, { ...asked, action: "doc.page.none" }] };
    },
    bad: { requests: [] },
    missing: noVersion,
  },
  {
    operation: "authz.decision-replay.start",
    prepare: () => ({ since: "2026-01-01T00:00:00.000Z", until: "2026-01-02T00:00:00.000Z" }),
    bad: { since: "yesterday" },
  },
  {
    operation: "authz.replay-disagreement.list",
    async prepare(world) {
      await world.leaveDisagreement();
      return { limit: 1 };
    },
    bad: noItems,
  },
  {
    operation: "authz.policy-version.activate",
    async prepare(world) {
      const made = await draft(world);
      await world.ask("POST", `/v1/policies/default/versions/${made.number}/validate`, {});
      return { ...made, base: 1, without_preview: "a test" };
    },
    bad: { number: 0 },
    missing: noVersion,
  },
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
