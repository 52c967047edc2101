import { z } from "zod";
import { newId } from "#kernel/ids.ts";
import { dottedGroups, operation } from "#pipeline";

const name = z.string().min(1).max(200);
const value = z.union([z.boolean(), z.int(), z.string().max(4_096)]);

export const decisionAsk = operation({
  name: "authz.decision.ask",
  summary: "May this principal do this to that? The answer and its reasons are recorded.",
  rest: "POST /v1/decisions",
  kind: "write",
  status: 201,
  input: z.strictObject({
    principal: z.strictObject({ type: name, id: name, groups: z.array(name).max(100).default([]) }),
    action: name
      .regex(/^[^.]+(\.[^.]+){0,15}$/, "up to 16 words joined by dots")
      .describe("Dotted, as in policies: doc.page.read is in the groups doc and doc.page"),
    resource: z.strictObject({ type: name, id: name }),
    context: z.record(name, z.union([value, z.array(value).max(1_000)])).default({}),
  }),
  output: z.object({
    id: z.uuid().describe("Of the decision that was asked for"),
    outcome: z.enum(["allow", "deny"]),
    reasons: z.array(z.string()).describe("Policies that decided"),
    errors: z.array(z.string()).describe("Policies that could not be evaluated"),
    trace_hash: z.string(),
    why: z.record(z.string(), z.json()).nullable().describe("Why it was denied"),
    help: z.string().nullable(),
  }),

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async record({ id: callId, requestId, time_ms, principal, input, ports }) {
    const id = newId();
    // An asked action is nobody's operation, so it is in no read or write group.
    const question = { ...input, action: { id: input.action, groups: dottedGroups(input.action) } };
    const decision = await ports.policy.decide(principal, question);
    const about = { id, askedBy: callId, requestId, operation: "authz.decision.ask", time_ms };
    const { outcome, reasons, errors, traceHash } = decision;
    const denied = outcome === "deny" ? ports.policy.explain(decision, question) : null;
    const link = {
      decisionId: id,
      requestId,
      operation: "authz.decision.ask",
      actor: `${input.principal.type}:${input.principal.id}`,
    };
    return {
      output: {
        id,
        outcome,
        reasons: [...reasons],
        errors: [...errors],
        trace_hash: traceHash,
        why: denied === null ? null : ({ ...denied.facts } as Record<string, z.core.util.JSONType>),
        help: denied?.help ?? null,
      },
      rows: [
        ...ports.policy.rows(decision, question, about),
        ...ports.telemetry.linkRows({
          ...link,
          outcome: "done",
          code: null,
          subject: null,
          entryId: callId,
          time_ms,
        }),
      ],
      subject: { type: "asked_decision", id },
    };
  },
});
