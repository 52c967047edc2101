import { z } from "zod";
import { timestamp } from "#kernel/clock.ts";
import { CHANGES, type Group, type Lost } from "./tally.ts";

const count = z.int();
const time = z.iso.datetime();
const outcome = z.enum(["allow", "deny"]);

export const counts = z
  .object({
    decisions: count,
    newly_denied: count.describe("Allowed, and would be denied: permissions that are used"),
    newly_allowed: count.describe("Denied, and would be allowed"),
    refused: count.describe("The version's schema has no such question"),
    reasons_changed: count.describe("The same outcome by other policies"),
    unreadable: count.describe("What was known then is gone"),
    unchanged: count,
    errors: count.describe("Of all these, those in which one of the version's policies fails"),
  })
  .meta({ id: "PreviewCounts" });

const decided = z.object({
  outcome,
  reasons: z.array(z.string()).describe("Policies that decided"),
  errors: z.array(z.string()).describe("Policies that could not be evaluated"),
});

const example = z
  .object({
    change: z.enum(CHANGES),
    decision_id: z.uuid(),
    time,
    principal: z.string(),
    action: z.string(),
    resource: z.object({ type: z.string(), id: z.string() }),
    recorded: decided,
    candidate: decided.nullable().describe("Null: it would not be decided"),
    why: z.record(z.string(), z.json()).nullable().describe("Why it would be denied or refused"),
    help: z.string().nullable(),
  })
  .meta({ id: "PreviewExample" });

const groups = z
  .object({
    groups: z
      .array(z.object({ name: z.string(), counts }))
      .describe("Those that would change most first"),
    left_out: count.describe("Names, or decisions about names, that are not among them"),
  })
  .meta({ id: "PreviewGroups" });

/** What is kept of a preview: decisions by their ids, and nobody whom they are about. */
const kept = {
  counts,
  since: time.nullable().describe("Null: from the first decision on"),
  until: time,
  complete: z.boolean().describe("False: there were more decisions than it was to look at"),
  by_action: groups,
  by_resource_type: groups,
};

export const keptReport = z.object({
  ...kept,
  examples: z.array(z.object({ change: z.enum(CHANGES), decision_id: z.uuid() })),
});

const lost = z
  .object({
    permissions: z
      .array(
        z.object({
          principal: z.string(),
          action: z.string(),
          resource_type: z.string(),
          uses: count,
          last_used: time,
        }),
      )
      .describe("The most used first"),
    left_out: count,
  })
  .meta({ id: "LostPermissions" });

const summary = z
  .object({
    id: z.uuid().describe("Of the preview, which is kept and sealed"),
    set: z.string(),
    number: z.int(),
    hash: z.string().describe("SHA-256 of what the version says, hex"),
    base: z
      .int()
      .nullable()
      .describe("Version that was active; once another one is, the preview is stale"),
    fresh_until: time,
    report_hash: z.string().describe("SHA-256 of what is kept of it, which is sealed"),
    lost_permissions: lost.describe("Uses that were allowed and would be denied"),
    by_principal: groups,
    ...kept,
  })
  .meta({ id: "PreviewSummary" });

/** One of the three, and nothing of the others. */
export const previewItem = z
  .object({
    progress: z
      .object({ counts, fraction: z.number().describe("Of the window, from 0 to 1") })
      .nullable(),
    example: example.nullable(),
    summary: summary.nullable().describe("The last item: without it nothing is kept"),
  })
  .meta({ id: "PreviewItem" });

export type Item = z.input<typeof previewItem>;
export type Example = z.input<typeof example>;
export type KeptReport = z.input<typeof keptReport>;

export const preview = z
  .object({
    id: z.uuid(),
    set: z.string(),
    number: z.int(),
    hash: z.string().describe("SHA-256 of what the version says, hex"),
    base: z.int().nullable(),
    report: keptReport,
    report_hash: z.string(),
    created_by: z.string(),
    created_at: time,
  })
  .meta({ id: "PolicyPreview" });

export const groupsShown = (of: {
  groups: readonly Group[];
  leftOut: number;
}): z.input<typeof groups> => ({
  groups: of.groups.map(({ name, counts: all }) => ({ name, counts: { ...all } })),
  left_out: of.leftOut,
});

export const lostShown = (of: {
  permissions: readonly Lost[];
  leftOut: number;
}): z.input<typeof lost> => ({
  permissions: of.permissions.map(({ principal, action, resourceType, uses, lastUsed_ms }) => ({
    principal,
    action,
    resource_type: resourceType,
    uses,
    last_used: timestamp(lastUsed_ms),
  })),
  left_out: of.leftOut,
});
