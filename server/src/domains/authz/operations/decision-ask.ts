import { z } from "zod";
import { newId } from "#kernel/ids.ts";
import { operation } from "#pipeline";
import { Malformed, recordOf } from "../engine/index.ts";
import { setName } from "../sets/shapes.ts";
import { DEFAULT_SET } from "../sets/versions.ts";

export const name = z.string().min(1).max(200);
export const uid = z.strictObject({ type: name, id: name });

/** Values in Cedar's JSON form: no null, no fractions, entities and extension values as it writes them. */
export const values = z.record(name, z.json()).superRefine((record, context) => {
  try {
    recordOf(record, "");
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const path = error.at.split(".").slice(1);
    context.addIssue({ code: "custom", path, message: `${error.message}. ${error.help}` });
  }
});

export const entity = z
  .strictObject({
    uid,
    attrs: values.default({}),
    parents: z.array(uid).max(100).default([]),
    tags: values.default({}),
  })
  .meta({
    id: "EntityFacts",
    description: "What is known of one entity, as Cedar's JSON form has it",
  });

export const actionType = z
  .string()
  .regex(/^([A-Za-z_]\w*::){0,8}Action$/, "Action, within a namespace or none")
  .max(200)
  .default("Action")
  .meta({ examples: ["Action"] });

export const decisionAsk = operation({
  name: "authz.decision.ask",
  summary: "May this principal do this to that? The answer and its reasons are recorded.",
  rest: "POST /v1/decisions",
  kind: "write",
  status: 201,
  manyMax: 1_000,
  input: z.strictObject({
    principal: z.strictObject({ type: name, id: name, groups: z.array(name).max(100).default([]) }),
    action: name.describe("As the schema of the set declares it"),
    action_type: actionType,
    resource: uid,
    context: values
      .default({})
      .describe(
        "About an operation of the platform: as of a call now with the weakest sign-in, unless told",
      ),
    entities: z
      .array(entity)
      .max(1_000)
      .default([])
      .describe("What is known of principal, resource and what they lead to"),
    set: setName.default(DEFAULT_SET).describe("Of policies, by which it is answered"),
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
    const { action: actionId, action_type: type, set, ...asked } = input;
    const action = { ...(type === "Action" ? {} : { type }), id: actionId, groups: [] };
    const { question, decision } = await ports.policy.ask(principal, set, { ...asked, action });
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
