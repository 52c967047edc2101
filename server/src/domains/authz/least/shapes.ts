import { z } from "zod";
import { parseJson } from "#verifier";
import type { StoredProposal } from "./queries.ts";

const entity = z.object({ type: z.string(), id: z.string() });
const bound = z.array(entity).nullable();

const used = z
  .object({
    action: z.string(),
    resource_type: z.string(),
    decisions: z.int(),
    principals: z.int(),
    first: z.iso.datetime(),
    last: z.iso.datetime(),
    groups: bound.describe("That its principals were in, and now have to be in; null: not bound"),
    parents: bound.describe("The same of its resources"),
  })
  .meta({ id: "PolicyUsage" });

export const proposal = z
  .object({
    id: z.uuid(),
    set: z.string(),
    base: z.int().describe("Number of the version whose use was looked at"),
    since: z.iso.datetime(),
    until: z.iso.datetime(),
    verdict: z
      .enum(["proven", "refuted", "not_proven"])
      .describe("Whether Z3 proves that it permits nothing that the base does not"),
    reason: z.string().nullable().describe("Why nothing was proven"),
    replayed: z.int().describe("Decisions of the window that the base allowed"),
    newly_denied: z.int().describe("Of those, how many the proposal denies"),
    created_by: z.string(),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "PolicyProposal" });

export function proposalShown(row: StoredProposal): z.input<typeof proposal> {
  const {
    id,
    set,
    base,
    since,
    until,
    verdict,
    reason,
    replayed,
    newlyDenied,
    createdBy,
    createdAt,
  } = row;
  return {
    id,
    set,
    base,
    since: since.toISOString(),
    until: until.toISOString(),
    verdict,
    reason,
    replayed,
    newly_denied: newlyDenied,
    created_by: createdBy,
    created_at: createdAt.toISOString(),
  };
}

/** A proposal with what it says and why. */
export const wholeProposal = z.object({
  ...proposal.shape,
  text: z.string().describe("The proposed policies in Cedar's language"),
  document: z.json().describe("The same in Cedar's JSON form"),
  evidence: z.array(
    z
      .object({
        policy: z.string().describe("A permit of the base"),
        becomes: z
          .array(z.string())
          .describe("The policies that it becomes; none: it was not used"),
        used: z.array(used),
        kept: z
          .array(z.string())
          .describe("Actions that stay unused, so that policies can be changed again"),
      })
      .meta({ id: "PolicyEvidence" }),
  ),
  smt: z
    .string()
    .nullable()
    .describe("What was asked of the solver, in SMT-LIB 2.6: unsat is the proof"),
});

export function evidenceShown(text: string): z.input<typeof wholeProposal>["evidence"] {
  const evidence = parseJson(text) as {
    readonly policy: string;
    readonly becomes: string[];
    readonly kept: string[];
    readonly used: {
      action: string;
      resourceType: string;
      decisions: number;
      principals: number;
      first: string;
      last: string;
      groups?: { type: string; id: string }[] | null;
      parents?: { type: string; id: string }[] | null;
    }[];
  }[];
  return evidence.map(({ policy, becomes, kept, used }) => ({
    policy,
    becomes,
    kept,
    used: used.map(
      ({ action, resourceType: resource_type, groups = null, parents = null, ...same }) => ({
        action,
        resource_type,
        decisions: same.decisions,
        principals: same.principals,
        first: same.first,
        last: same.last,
        groups,
        parents,
      }),
    ),
  }));
}
