import { entity, facts, type PolicyTemplate, request, uid } from "./template.ts";

const key = uid("ServiceAccount", "billing");
const billing = entity("ServiceAccount", "billing", {}, uid("Group", "services"));
const log = uid("Log", "1");
const account = uid("Account", "A");
const paid = (amount_cents: number, auth: object = {}) => ({
  ...facts({ auth }),
  type: "PAYMENT",
  amount_cents,
});
const session = (calls_max: number, ...writes: string[]) => ({
  ...facts(),
  calls_max,
  seconds: 600,
  writes,
});

/** Bounds of what the platform's own operations may do: each forbids, beside an example of what it bounds. */
export const boundTemplates: readonly PolicyTemplate[] = [
  {
    name: "time-window",
    title: "Working hours",
    description:
      "Writes are done between 8:00 and 18:00 UTC, and not before a first day. Change the hours and the day; reads are not touched.",
    text: `@id("working-hours")
forbid (principal, action in Action::"write", resource)
unless
{
  context.time >= datetime("2026-01-01T00:00:00Z") &&
  context.time.toTime() >= duration("8h") &&
  context.time.toTime() < duration("18h")
};

@id("services-audit")
permit (principal in Group::"services", action in Action::"ledger.audit", resource);
`,
    schema: null,
    example: {
      links: [],
      entities: [billing],
      allowed: request(key, "ledger.audit.start", log, facts()),
      denied: request(key, "ledger.audit.start", log, facts({ time: "2026-11-20T18:00:00Z" })),
    },
  },
  {
    name: "ip-range",
    title: "From our network",
    description:
      "Writes come from named networks; a call whose address is not known is none of theirs. Change the ranges, IPv4 or IPv6.",
    text: `@id("our-network")
forbid (principal, action in Action::"write", resource)
unless
{
  context.network has address &&
  (context.network.address.isInRange(ip("10.0.0.0/8")) ||
   context.network.address.isInRange(ip("fd00::/8")))
};

@id("services-audit")
permit (principal in Group::"services", action in Action::"ledger.audit", resource);
`,
    schema: null,
    example: {
      links: [],
      entities: [billing],
      allowed: request(key, "ledger.audit.start", log, facts({ address: "10.1.2.3" })),
      denied: request(key, "ledger.audit.start", log, facts({ address: "203.0.113.9" })),
    },
  },
  {
    name: "agent-session-budget",
    title: "Agents on a budget",
    description:
      "Sessions for agents have at most 100 calls and an hour, and change neither accounts nor policies. Change the numbers and the names of writes.",
    text: `@id("agents-on-a-budget")
forbid (principal, action == Action::"agents.agent-session.create", resource)
unless
{
  context.calls_max <= 100 &&
  context.seconds <= 3600 &&
  !context.writes.containsAny(["control-plane", "authz", "agents"])
};

@id("services-have-agents")
permit (
  principal in Group::"services",
  action == Action::"agents.agent-session.create",
  resource
);
`,
    schema: null,
    example: {
      links: [],
      entities: [billing],
      allowed: request(key, "agents.agent-session.create", key, session(50, "risk")),
      denied: request(key, "agents.agent-session.create", key, session(50, "risk", "authz")),
    },
  },
  {
    name: "amount-limit",
    title: "Large payments with a step-up",
    description:
      "Payments above 1,000.00 need a step-up, those above 100,000.00 are refused. Amounts are cents.",
    text: `@id("large-payments-step-up")
forbid (principal, action == Action::"risk.transaction.assess", resource)
when { context.amount_cents > 100000 && !context.auth.step_up };

@id("no-huge-payments")
forbid (principal, action == Action::"risk.transaction.assess", resource)
when { context.amount_cents > 10000000 };

@id("services-pay")
permit (principal in Group::"services", action == Action::"risk.transaction.assess", resource);
`,
    schema: null,
    example: {
      links: [],
      entities: [billing],
      allowed: request(key, "risk.transaction.assess", account, paid(100_001, { step_up: true })),
      denied: request(key, "risk.transaction.assess", account, paid(100_001)),
    },
  },
];
