import { z } from "zod";
import { makeCredential } from "#kernel/credential.ts";
import { newId } from "#kernel/ids.ts";
import { operation } from "#pipeline";
import { insertSession } from "../queries.ts";
import { agentSession, agentSessionShown } from "../shapes.ts";

const DAY_S = 86_400;
const OPERATION_NAME = /^[a-z][a-z-]*(\.[a-z][a-z-]*){0,2}$/;

export const agentSessionCreate = operation({
  name: "agents.agent-session.create",
  summary:
    "Lets an agent act in the caller's name, within bounds. The session's key is shown once.",
  rest: "POST /v1/agent-sessions",
  kind: "write",
  agents: "never",
  status: 201,
  input: z.strictObject({
    name: z.string().min(1).max(100),
    writes: z
      .array(z.string().regex(OPERATION_NAME, "an operation's name, or its first words"))
      .max(100)
      .default([])
      .describe("Operations that it may call although they change something; none unless told"),
    calls_max: z.int().min(1).max(1_000_000).default(1_000),
    seconds: z
      .int()
      .min(60)
      .max(30 * DAY_S)
      .default(3_600)
      .describe("Until it expires"),
  }),
  output: z.object({
    ...agentSession.shape,
    key: z.string().optional().describe("Shown once: as_…"),
  }),
  secrets: ["key"],

  policy: {
    resource: { type: "ServiceAccount", id: ({ principal }) => principal.accountId },
    context: ["writes", "calls_max", "seconds"],
  },
  score: "none",
  async action({ tx, input, principal, time_ms }) {
    const { key, prefix, hash } = makeCredential("as");
    const made = await insertSession(tx, principal.tenantId, {
      id: newId(),
      serviceAccountId: principal.accountId,
      apiKeyId: principal.apiKeyId,
      name: input.name,
      prefix,
      hash,
      writes: input.writes,
      callsMax: input.calls_max,
      expiresAt: new Date(time_ms + input.seconds * 1_000),
      createdBy: `${principal.type}:${principal.id}`,
    });
    return { ...agentSessionShown(made), key };
  },
  subject: ({ id }) => ({ type: "agent_session", id }),
});
