import type { Answer } from "./system.ts";

interface Made {
  readonly path: string;
  readonly body?: unknown;
  readonly want: string | ((answer: Answer) => void);
}

/** What another project gets of filters, row policies and comparisons. */
export const filterTenancy = (
  only: (count: number) => (answer: Answer) => void,
): Record<string, () => Made> => ({
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
