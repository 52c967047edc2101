import { entity, facts, type PolicyTemplate, ref, request, uid } from "./template.ts";

const DOCUMENTS = `entity Folder;
entity Document in [Folder] { owner: User };
action "document.read", "document.write" appliesTo { principal: [User], resource: [Document] };
`;

const ada = uid("User", "ada");
const bob = uid("User", "bob");
const plan = uid("Document", "plan");
const planOf = (owner: string) =>
  entity("Document", "plan", { owner: ref("User", owner) }, uid("Folder", "plans"));
const member = (id: string, group: string) => entity("User", id, {}, uid("Group", group));

/** Who may see and change what people keep. */
export const sharingTemplates: readonly PolicyTemplate[] = [
  {
    name: "owner-only",
    title: "Owners only",
    description:
      "Whoever owns a thing reads and writes it, and nobody else. Put your own type in the place of Document; the owner is an attribute that every one has.",
    text: `@id("owner-only")
permit (
  principal,
  action in [Action::"document.read", Action::"document.write"],
  resource
)
when { resource.owner == principal };
`,
    schema: DOCUMENTS,
    example: {
      links: [],
      entities: [planOf("ada")],
      allowed: request(ada, "document.write", plan),
      denied: request(bob, "document.read", plan),
    },
  },
  {
    name: "team-read-write",
    title: "A team's folder",
    description:
      "One group reads what is in a folder, another reads and writes it. Link each template once for every folder: ?principal is the group, ?resource the folder.",
    text: `@id("team-reads")
permit (principal in ?principal, action == Action::"document.read", resource in ?resource);

@id("team-writes")
permit (
  principal in ?principal,
  action in [Action::"document.read", Action::"document.write"],
  resource in ?resource
);
`,
    schema: DOCUMENTS,
    example: {
      links: [
        {
          templateId: "team-reads",
          newId: "guests-read-plans",
          values: { "?principal": uid("Group", "guests"), "?resource": uid("Folder", "plans") },
        },
        {
          templateId: "team-writes",
          newId: "planners-write-plans",
          values: { "?principal": uid("Group", "planners"), "?resource": uid("Folder", "plans") },
        },
      ],
      entities: [planOf("ada"), member("ada", "planners"), member("bob", "guests")],
      allowed: request(ada, "document.write", plan),
      denied: request(bob, "document.write", plan),
    },
  },
  {
    name: "role-matrix",
    title: "Roles and what each may do",
    description:
      "A policy for each role, a role being a group: viewers read, editors write, too, managers also delete. Add a line to a role's actions, or a policy for a new role.",
    text: `@id("viewers")
permit (principal in Group::"viewers", action == Action::"document.read", resource);

@id("editors")
permit (
  principal in Group::"editors",
  action in [Action::"document.read", Action::"document.write"],
  resource
);

@id("managers")
permit (
  principal in Group::"managers",
  action in [Action::"document.read", Action::"document.write", Action::"document.delete"],
  resource
);
`,
    schema: `${DOCUMENTS}action "document.delete" appliesTo { principal: [User], resource: [Document] };\n`,
    example: {
      links: [],
      entities: [planOf("ada"), member("ada", "managers"), member("bob", "editors")],
      allowed: request(ada, "document.delete", plan),
      denied: request(bob, "document.delete", plan),
    },
  },
  {
    name: "tenant-isolation",
    title: "Tenants apart",
    description:
      "Nobody touches what belongs to another tenant, whatever else permits it. The forbid is the rule; the permit is an example of what it bounds.",
    text: `@id("tenants-apart")
forbid (principal is Member, action, resource is Invoice)
unless { resource.tenant == principal.tenant };

@id("members-read")
permit (principal is Member, action == Action::"invoice.read", resource is Invoice);
`,
    schema: `entity Tenant;
entity Member { tenant: Tenant };
entity Invoice { tenant: Tenant };
action "invoice.read" appliesTo { principal: [Member], resource: [Invoice] };
`,
    example: {
      links: [],
      entities: [
        entity("Member", "ada", { tenant: ref("Tenant", "north") }),
        entity("Invoice", "1", { tenant: ref("Tenant", "north") }),
        entity("Invoice", "2", { tenant: ref("Tenant", "south") }),
      ],
      allowed: request(uid("Member", "ada"), "invoice.read", uid("Invoice", "1")),
      denied: request(uid("Member", "ada"), "invoice.read", uid("Invoice", "2")),
    },
  },
  {
    name: "four-eyes",
    title: "Four eyes",
    description:
      "A payment is released by somebody who did not prepare it, once a third has approved it.",
    text: `@id("four-eyes")
permit (principal in Group::"treasury", action == Action::"payment.release", resource)
when
{
  resource has approved_by &&
  resource.approved_by != resource.prepared_by &&
  principal != resource.prepared_by
};
`,
    schema: `entity Payment { prepared_by: User, approved_by?: User };
action "payment.release" appliesTo { principal: [User], resource: [Payment] };
`,
    example: {
      links: [],
      entities: [
        member("ada", "treasury"),
        entity("Payment", "1", {
          prepared_by: ref("User", "bob"),
          approved_by: ref("User", "eve"),
        }),
        entity("Payment", "2", {
          prepared_by: ref("User", "bob"),
          approved_by: ref("User", "bob"),
        }),
      ],
      allowed: request(ada, "payment.release", uid("Payment", "1")),
      denied: request(ada, "payment.release", uid("Payment", "2")),
    },
  },
  {
    name: "break-glass",
    title: "Break the glass",
    description:
      "Who is on call opens any record in an emergency: after a step-up, and with a reason, which the decision keeps.",
    text: `@id("break-glass")
permit (principal in Group::"on-call", action == Action::"record.open", resource)
when { context.auth.step_up && context has reason && context.reason != "" };
`,
    schema: `entity Record;
action "record.open" appliesTo {
  principal: [User],
  resource: [Record],
  context: { auth: Auth, network: Network, time: datetime, reason?: String }
};
`,
    example: {
      links: [],
      entities: [member("ada", "on-call")],
      allowed: request(ada, "record.open", uid("Record", "1"), {
        ...facts({ auth: { step_up: true } }),
        reason: "the patient is unconscious",
      }),
      denied: request(ada, "record.open", uid("Record", "1"), facts({ auth: { step_up: true } })),
    },
  },
];
