import { type Case, missing, noItems } from "./case.ts";

/** About the platform's own: no policies have to be read for it. */
const FILTER = {
  set: "default",
  principal: { type: "User", id: "ada", groups: ["auditors"] },
  action: "authz.decision.list",
  resource_type: "Project",
  context: {},
  mapping: { schema: "app", table: "projects", id: { column: "id", as: "uuid" } },
  first_param: 3,
};

const rowPolicy = () => {
  const { first_param: _, ...body } = FILTER;
  const principal = { type: "User", setting: "app.user_id" };
  const groups = [{ type: "Group", setting: "app.groups" }];
  return { ...body, principal, groups, command: "update", roles: ["app"], watched: false };
};

/** Filters, row policies and comparisons. */
export const filterCases: readonly Case[] = [
  {
    operation: "authz.policy-version.compare",
    prepare: () => {
      const { principal, action } = FILTER;
      const resource = { type: "Project", id: "1" };
      return { set: "default", number: 1, before: 1, questions: [{ principal, action, resource }] };
    },
    bad: { number: 0 },
    missing: missing("action/version_missing", { number: 99 }),
  },
  {
    operation: "authz.resource-filter.compile",
    prepare: () => FILTER,
    bad: { first_param: 0 },
    missing: missing("action/no_policies", { set: "none" }),
  },
  {
    operation: "authz.row-policy.compile",
    prepare: rowPolicy,
    bad: { roles: [""] },
    missing: missing("action/no_policies", { set: "none" }),
  },
  {
    operation: "authz.row-policy.list",
    async prepare(world) {
      const { set, ...body } = rowPolicy();
      await world.ask("POST", `/v1/policies/${set}/row-policies`, body);
      return { limit: 1 };
    },
    bad: noItems,
  },
];
