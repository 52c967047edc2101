import { makeDocs } from "../policies.ts";
import { type Case, missing, NOTHING, noId, noItems } from "./case.ts";
import type { World } from "./world.ts";

const QUESTION = {
  principal: { type: "User", id: "ada", groups: ["readers"] },
  action: "doc.page.read",
  resource: { type: "Doc", id: "1" },
  context: { address: "10.0.0.1", hour: 9, vpn: true, tags: ["a", "b"] },
  entities: [
    { uid: { type: "Doc", id: "1" }, attrs: { owner: { __entity: { type: "User", id: "bob" } } } },
  ],
};

/** A question that is denied, about a set of its own. */
export const question = async ({ ask }: World) => ({
  ...QUESTION,
  set: await makeDocs((path, body) => ask("POST", path, body)),
});

/** What a change would do, and whether decisions are what they were. */
export const previewCases: readonly Case[] = [
  {
    operation: "authz.policy-version.preview",
    oneByOne: true,
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
    oneByOne: true,
    async prepare(world) {
      await question(world);
      return { set: "docs", id: await world.leavePreview("docs", 1) };
    },
    bad: noId,
    missing: missing("action/preview_missing", { id: NOTHING }),
  },
  {
    operation: "authz.policy.simulate",
    oneByOne: true,
    async prepare(world) {
      const { set, ...asked } = await question(world);
      return { set, number: 1, requests: [asked, { ...asked, action: "doc.page.none" }] };
    },
    bad: { requests: [] },
    missing: missing("action/version_missing", { set: "default", number: 99 }),
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
];
