import { z } from "zod";
import { newId } from "#kernel/ids.ts";
import { operation } from "#pipeline";
import { askedOf, asking } from "../asking.ts";
import { setName } from "../sets/shapes.ts";
import { DEFAULT_SET } from "../sets/versions.ts";

export const decisionAsk = operation({
  name: "authz.decision.ask",
  summary: "May this principal do this to that? The answer and its reasons are recorded.",
  rest: "POST /v1/decisions",
  kind: "write",
  status: 201,
  manyMax: 1_000,
  input: z.strictObject({
    ...asking,
    set: setName.default(DEFAULT_SET).describe("Of policies, by which it is answered"),
  }),
  output: z.object({
    id: z.uuid().describe("Of the decision that was asked for"),
    outcome: z.enum(["allow", "deny"]),
    reasons: z
      .array(z.string())
      .describe(
        "Policies that decided, but for those that facts decide which the caller may not read",
      ),
    errors: z.array(z.string()).describe("Policies that could not be evaluated"),
    trace_hash: z
      .string()
      .nullable()
      .describe(
        "Null: it covers facts that were looked up (stored) and that the caller may not read",
      ),
    why: z.record(z.string(), z.json()).nullable().describe("Why it was denied"),
    help: z.string().nullable(),
  }),

  policy: {
    resource: { type: "Project", id: ({ principal }) => principal.tenantId },
    context: ["set"],
  },
  score: "none",
  async record({ id: callId, requestId, time_ms, principal, input, ports, mayReadWhy }) {
    const id = newId();
    const { set, stored } = input;
    const asked = askedOf(input);
    const { question, decision } = await ports.policy.ask(
      principal,
      { set, stored, mayReadKept: mayReadWhy },
      asked,
    );
    const about = { id, askedBy: callId, requestId, operation: "authz.decision.ask", time_ms };
    const { outcome } = decision;
    const isFull = await mayReadWhy();
    const { reasons, errors, traceHash } = ports.policy.tell(decision, question, isFull);
    const denied = outcome === "deny" ? ports.policy.explain(decision, question, isFull) : null;
    const link = {
      decisionId: id,
      requestId,
      operation: "authz.decision.ask",
      // Whom it is about stands in the decision; who asked is nobody's choice.
      actor: `${principal.type}:${principal.id}`,
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
