import { expect } from "vitest";
import type { Answer } from "./system.ts";

type Want = string | ((answer: Answer) => void);

type Case = (theirs: {
  readonly proposal: string;
  readonly account: string;
  readonly project: string;
  readonly call: string;
}) => {
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  readonly want: Want;
};

/** What another project gets from the operations of policies, decisions and their drift, one for each. */
export const authzTenancy = (only: (count: number) => Want): Record<string, Case> => ({
  "authz.policy-proposal.start": () => ({
    path: "/v1/policies/theirs/proposals",
    body: {},
    want: "action/nothing_active",
  }),
  "authz.policy-proposal.list": () => ({
    path: "/v1/policies/default/proposals",
    want: only(0),
  }),
  "authz.policy-proposal.get": ({ proposal }) => ({
    path: `/v1/policies/default/proposals/${proposal}`,
    want: "action/proposal_missing",
  }),
  "authz.policy-proposal.accept": ({ proposal }) => ({
    path: `/v1/policies/default/proposals/${proposal}/accept`,
    body: {},
    want: "action/proposal_missing",
  }),
  "authz.drift-watch.start": () => ({
    path: "/v1/drift/watches",
    body: {},
    want: ({ status }) => expect(status).toBe(202),
  }),
  "authz.drift-window.list": () => ({ path: "/v1/drift/windows", want: only(0) }),
  "authz.drift-finding.list": () => ({ path: "/v1/drift/findings", want: only(0) }),
  "authz.decision.ask": ({ account, project }) => ({
    path: "/v1/decisions",
    body: {
      principal: { type: "ServiceAccount", id: account, groups: [] },
      action: "control-plane.project.update",
      resource: { type: "Project", id: project },
    },
    want: ({ body }) => expect(body.outcome).toBe("deny"),
  }),
  "authz.decision.list": () => ({
    path: "/v1/decisions",
    want: ({ body }) => expect(body.items.length).toBeGreaterThanOrEqual(0),
  }),
  "authz.decision.get": ({ call }) => ({
    path: `/v1/decisions/${call}`,
    want: "action/decision_missing",
  }),
  "authz.policy-set.list": () => ({ path: "/v1/policies", want: only(1) }),
  "authz.policy.get": () => ({
    path: "/v1/policies/default",
    want: ({ body }) => expect(body.number).toBe(1),
  }),
  "authz.policy-template.list": () => ({ path: "/v1/policies/templates?limit=5", want: only(5) }),
  "authz.policy-text.check": () => ({
    path: "/v1/policies/check",
    body: { text: "" },
    want: ({ body }) => expect(body.valid).toBe(true),
  }),
  "authz.policy-version.list": () => ({
    path: "/v1/policies/theirs/versions",
    want: "action/set_missing",
  }),
  "authz.policy-version.get": () => ({
    path: "/v1/policies/theirs/versions/1",
    want: "action/version_missing",
  }),
  "authz.policy-version.create": () => ({
    path: "/v1/policies/theirs/versions",
    body: { text: "" },
    want: ({ body }) => expect(body.number).toBe(1),
  }),
  "authz.policy-version.validate": () => ({
    path: "/v1/policies/theirs-alone/versions/1/validate",
    body: {},
    want: "action/version_missing",
  }),
  "authz.policy-version.preview": () => ({
    path: "/v1/policies/theirs-alone/preview",
    body: { number: 1 },
    headers: { accept: "text/event-stream" },
    want: ({ text }) => expect(text).toContain("action/version_missing"),
  }),
  "authz.policy-preview.get": ({ call }) => ({
    path: `/v1/policies/theirs-alone/previews/${call}`,
    want: "action/preview_missing",
  }),
  "authz.policy.simulate": () => ({
    path: "/v1/policies/simulate",
    body: {
      set: "theirs-alone",
      number: 1,
      requests: [
        {
          principal: { type: "User", id: "u" },
          action: "a",
          resource: { type: "Project", id: "p" },
        },
      ],
    },
    want: "action/version_missing",
  }),
  "authz.decision-replay.start": () => ({
    path: "/v1/decision-replays",
    body: {},
    want: ({ status }) => expect(status).toBe(202),
  }),
  "authz.replay-disagreement.list": () => ({
    path: "/v1/decision-replays/disagreements",
    want: only(0),
  }),
  "authz.policy-version.activate": () => ({
    path: "/v1/policies/theirs-alone/versions/1/activate",
    body: {},
    want: "action/version_missing",
  }),
  "authz.policy-version.compare": () => ({
    path: "/v1/policies/theirs/versions/1/compare",
    body: {},
    want: "action/no_policies",
  }),
  "authz.resource-filter.compile": () => ({
    path: "/v1/policies/theirs/filter",
    body: {
      principal: { type: "User", id: "ada" },
      action: "doc.page.read",
      resource_type: "Doc",
      mapping: { table: "docs", id: { column: "id" } },
    },
    want: "action/no_policies",
  }),
  "authz.row-policy.compile": () => ({
    path: "/v1/policies/theirs/row-policies",
    body: {
      principal: { type: "User", setting: "app.user_id" },
      action: "doc.page.read",
      resource_type: "Doc",
      mapping: { schema: "app", table: "docs", id: { column: "id" } },
    },
    want: "action/no_policies",
  }),
  "authz.row-policy.list": () => ({ path: "/v1/row-policies", want: only(0) }),
});
