import { createHash } from "node:crypto";
import { z } from "zod";
import { operation } from "#pipeline";
import { canonicalJson } from "#verifier";
import { takeIn } from "../queries.ts";
import { messageConflict } from "../refusals.ts";

export const messageReceive = operation({
  name: "ops.message.receive",
  summary:
    "Takes in a message of another system, once however often it is sent; its entry holds it.",
  rest: "POST /v1/messages",
  kind: "write",
  input: z.strictObject({
    source: z.string().min(1).max(200).describe("Who sends it"),
    message_id: z.string().min(1).max(500).describe("The sender's own id of the message"),
    payload: z.json(),
  }),
  output: z.object({
    accepted: z.enum(["new", "repeated"]).describe("repeated: the same was taken in before"),
  }),

  policy: {
    resource: { type: "Source", id: ({ input }) => input.source },
    context: ["source"],
  },
  score: "none",
  async action({ id, tx, input, principal }) {
    const { source, message_id, payload } = input;
    const hash = createHash("sha256").update(canonicalJson(payload)).digest();
    const message = { source, id: message_id, hash, decisionId: id };
    const taken = await takeIn(tx, principal.tenantId, message);
    if (taken === null) throw messageConflict(source, message_id);
    return { accepted: taken ? ("new" as const) : ("repeated" as const) };
  },
});
