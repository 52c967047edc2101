import { z } from "zod";
import type { Principal } from "#pipeline";
import { operation } from "#pipeline";
import { askedOf, asking } from "../asking.ts";
import { candidateOf, loadCandidate } from "../preview/load.ts";
import { type Answer, simulate } from "../preview/simulate.ts";
import { mayNotReadDecisions, oneCandidate } from "../refusals.ts";
import { ownSchema, setName, versionNumber, written, writtenOf } from "../sets/shapes.ts";
import { DEFAULT_SET } from "../sets/versions.ts";

const answer = z
  .object({
    outcome: z.enum(["allow", "deny"]).nullable().describe("Null: it could not be asked"),
    reasons: z.array(z.string()).describe("Policies that decided"),
    errors: z.array(z.string()).describe("Policies that could not be evaluated"),
    why: z
      .record(z.string(), z.json())
      .nullable()
      .describe("Why it was denied, or could not be asked"),
    help: z.string().nullable(),
  })
  .meta({ id: "SimulatedAnswer" });

const input = z.strictObject({
  set: setName.default(DEFAULT_SET).describe("Of policies, when a version is named"),
  number: versionNumber
    .optional()
    .describe("Of a version of the set: a valid draft or any later state"),
  ...written,
  schema: ownSchema.describe("The project's own types and actions, beside policies that are given"),
  requests: z
    .array(z.strictObject(asking))
    .min(1)
    .max(1_000)
    .describe("As POST /v1/decisions takes them"),
});

export const policySimulate = operation({
  name: "authz.policy.simulate",
  summary:
    "Answers questions by a version, or by policies that are stored nowhere. No decision is recorded but that of the call.",
  rest: "POST /v1/policies/simulate",
  kind: "read",
  input,
  output: z.object({ answers: z.array(answer).describe("One for each request, in their order") }),

  policy: {
    resource: { type: "Project", id: ({ principal }) => principal.tenantId },
    context: ["set"],
  },
  score: "none",
  prepare: async ({ input, principal, ports, mayReadWhy }) => {
    const { policy, db, clock } = ports;
    const isFull = await mayReadWhy();
    // Policies of one's own would tell what is kept, bit by bit.
    if (!isFull && input.requests.some(({ stored }) => stored)) throw mayNotReadDecisions("stored");
    const candidate = await candidateFor(db, principal, input);
    const questions = await Promise.all(
      input.requests.map(async (request) => {
        const question = askedOf(request);
        return request.stored ? policy.withStored(principal, question) : question;
      }),
    );
    return simulate(candidate, questions, { time_ms: clock(), isFull });
  },
  action: async ({ prepared }) => ({ answers: (prepared as readonly Answer[]).map(shown) }),
});

async function candidateFor(
  db: Parameters<typeof loadCandidate>[0],
  { tenantId }: Principal,
  { set, number, schema, ...given }: z.output<typeof input>,
) {
  const isWritten = given.text !== undefined || given.document !== undefined;
  if (number === undefined) return candidateOf(writtenOf(given), schema ?? null);
  if (isWritten || given.links !== undefined || schema !== undefined)
    throw oneCandidate([
      "number",
      ...Object.keys({ ...given, schema }).filter((key) => key !== "requests"),
    ]);
  return (await loadCandidate(db, tenantId, set, number)).candidate;
}

const shown = ({ why, ...same }: Answer): z.input<typeof answer> => ({
  ...same,
  reasons: [...same.reasons],
  errors: [...same.errors],
  why: why as z.input<typeof answer>["why"],
});
