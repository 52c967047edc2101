import { type Case, idOf, missing, noId, noItems } from "./case.ts";
import { question } from "./cases-previews.ts";
import type { World } from "./world.ts";

const askFor = async (world: World) => world.ask("POST", "/v1/decisions", await question(world));
const OPEN = 'permit(principal in Group::"admins", action, resource); // all\n';
export const makeVersion = ({ ask }: World, body: object) =>
  ask("POST", "/v1/policies/default/versions", body);
const draft = async (world: World) => ({
  set: "default",
  number: (await makeVersion(world, { text: OPEN })).number as number,
});
const noVersion = missing("action/version_missing", { set: "default", number: 99 });

export async function openPolicies({ ask }: World, annotations: object) {
  const { document } = await ask("GET", "/v1/policies/default");
  document.staticPolicies["admins-may-do-everything"].annotations = annotations;
  return document;
}

/** Of policies, decisions and their drift. Those that make policies wait for Cedar's thread, so they come one by one. */
export const authzCases: readonly Case[] = [
  {
    operation: "authz.decision.ask",
    oneByOne: true,
    prepare: question,
    bad: { action: "" },
  },
  {
    operation: "authz.decision.list",
    oneByOne: true,
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
    oneByOne: true,
    prepare: (world) => idOf(askFor(world)),
    bad: noId,
    missing: missing("action/decision_missing"),
  },
  {
    operation: "authz.policy-proposal.start",
    prepare: () => ({
      set: "default",
      since: "2026-01-01T00:00:00Z",
      until: "2026-01-02T00:00:00Z",
    }),
    bad: { set: "No set" },
    missing: missing("action/nothing_active", { set: "none" }),
  },
  {
    operation: "authz.policy-proposal.list",
    async prepare(world) {
      await world.leaveProposal();
      return { set: "default", limit: 1 };
    },
    bad: noItems,
    missing: missing("action/set_missing", { set: "none" }),
  },
  {
    operation: "authz.policy-proposal.get",
    prepare: async (world) => ({ set: "default", id: await world.leaveProposal() }),
    bad: noId,
    missing: missing("action/proposal_missing"),
  },
  {
    operation: "authz.policy-proposal.accept",
    prepare: async (world) => ({ set: "default", id: await world.leaveProposal() }),
    bad: noId,
    missing: missing("action/proposal_missing"),
  },
  { operation: "authz.drift-watch.start", prepare: () => ({}) },
  {
    operation: "authz.drift-window.list",
    oneByOne: true,
    async prepare(world) {
      await askFor(world);
      await world.leaveDrift();
      return { limit: 1 };
    },
    bad: noItems,
  },
  {
    operation: "authz.drift-finding.list",
    oneByOne: true,
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
      document: await openPolicies(world, { owner: "ada" }),
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
    operation: "authz.policy-version.activate",
    async prepare(world) {
      const made = await draft(world);
      await world.ask("POST", `/v1/policies/default/versions/${made.number}/validate`, {});
      return { ...made, base: 1, without_preview: "a test" };
    },
    bad: { number: 0 },
    missing: noVersion,
  },
];
