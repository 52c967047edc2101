import { entity, facts, type PolicyTemplate, request, uid } from "./template.ts";

type Tier = "T1" | "T2" | "T3" | "T4";
type Scope = "read" | "write" | "admin" | "txn";

interface Rule {
  readonly tier: Tier;
  readonly scope: Scope;
  /** How the principal signed in; empty: any way. */
  readonly methods: readonly string[];
  readonly stepUp: boolean;
}

const rule = (tier: Tier, scope: Scope, methods: readonly string[] = [], stepUp = false): Rule => ({
  tier,
  scope,
  methods,
  stepUp,
});

/** The fourteen baseline rules, as `authz.policy_rule_templates` has them; a test compares. */
export const TIER_RULES: readonly Rule[] = [
  rule("T1", "read"),
  rule("T1", "write"),
  rule("T1", "admin", ["passkey", "mfa", "password"]),
  rule("T2", "read"),
  rule("T2", "write"),
  rule("T2", "admin", ["passkey", "mfa"]),
  rule("T3", "read"),
  rule("T3", "write"),
  rule("T3", "admin", ["passkey", "mfa"], true),
  rule("T3", "txn", ["passkey", "mfa"], true),
  rule("T4", "read"),
  rule("T4", "write"),
  rule("T4", "admin", ["passkey"], true),
  rule("T4", "txn", ["passkey"], true),
];

const actions = (...ids: string[]) => `[${ids.map((id) => `Action::"${id}"`).join(", ")}]`;

/** What changes who may do what, and what keeps the record. */
const ADMIN = actions(
  "control-plane",
  "agents",
  "authz.policy-version",
  "ledger.archive",
  "ledger.key",
  "ledger.log",
  "ledger.payload",
  "ops.retention-policy",
);
const TXN = actions("risk.transaction");

const OF: Readonly<Record<Scope, { words: string; action: string; unless: string }>> = {
  read: { words: "reads", action: actions("read"), unless: "" },
  write: {
    words: "writes that are neither administration nor payments",
    action: actions("write"),
    unless: `\nunless { action in ${ADMIN} || action in ${TXN} }`,
  },
  admin: { words: "administration", action: ADMIN, unless: "" },
  txn: { words: "payments", action: TXN, unless: "" },
};

const TRIED: Readonly<Record<Scope, { action: string; resource: string; context: object }>> = {
  read: { action: "ledger.entry.list", resource: "Log", context: {} },
  write: { action: "ledger.audit.start", resource: "Log", context: {} },
  admin: { action: "control-plane.api-key.revoke", resource: "ApiKey", context: {} },
  txn: {
    action: "risk.transaction.assess",
    resource: "Account",
    context: { type: "PAYMENT", amount_cents: 100 },
  },
};

export const tierTemplates: readonly PolicyTemplate[] = TIER_RULES.map(templateOf);

function templateOf({ tier, scope, methods, stepUp }: Rule): PolicyTemplate {
  const { words, action, unless } = OF[scope];
  const demands = [
    `context.auth.tier == "${tier}"`,
    ...(methods.length > 0 ? [`${JSON.stringify(methods)}.contains(context.auth.method)`] : []),
    ...(stepUp ? ["context.auth.step_up"] : []),
  ];
  const name = `${tier.toLowerCase()}-${scope}`;
  const how = [
    ...(methods.length > 0 ? [`after signing in by ${methods.join(" or ")}`] : []),
    ...(stepUp ? ["with a step-up"] : []),
  ].join(", ");
  const tried = TRIED[scope];
  const ada = uid("User", "ada");
  const ask = (auth: object) =>
    request(ada, tried.action, uid(tried.resource, "1"), { ...facts({ auth }), ...tried.context });
  const enough = { tier, method: methods[0] ?? "password", step_up: stepUp };
  return {
    name,
    title: `Tier ${tier}: ${scope}`,
    description: `Who is in the group of the slot may do ${words} in tier ${tier}${how && `, ${how}`}. Link it to the group that has the scope ${scope}.`,
    text: `@id("${name}")
permit (principal in ?principal, action in ${action}, resource)
when { ${demands.join(" && ")} }${unless};
`,
    schema: null,
    example: {
      links: [
        { templateId: name, newId: `${name}-ops`, values: { "?principal": uid("Group", "ops") } },
      ],
      entities: [entity("User", "ada", {}, uid("Group", "ops"))],
      allowed: ask(enough),
      denied: ask(
        stepUp
          ? { ...enough, step_up: false }
          : methods.length > 0
            ? { ...enough, method: "api_key" }
            : { ...enough, tier: tier === "T1" ? "T2" : "T1" },
      ),
    },
  };
}
