import { z } from "zod";
import { operation } from "#pipeline";
import { askedOf, asking } from "../asking.ts";
import { openRequest, openValidated, refusing } from "../filter/open.ts";
import { changesOf, differing } from "../sets/compare.ts";
import { setName, versionNumber } from "../sets/shapes.ts";

const { stored: _, ...question } = asking;

const decision = z
  .object({
    outcome: z.enum(["allow", "deny"]),
    reasons: z.array(z.string()),
    errors: z.array(z.string()),
  })
  .meta({ id: "ComparedDecision" });

const hash = z.string().nullable();

export const policyVersionCompare = operation({
  name: "authz.policy-version.compare",
  summary:
    "What another version says and decides otherwise: policy by policy, and question by question.",
  rest: "POST /v1/policies/{set}/versions/{number}/compare",
  kind: "read",
  input: z.strictObject({
    set: setName,
    number: versionNumber,
    before: versionNumber
      .optional()
      .describe("What it is compared with: the active one unless told"),
    questions: z
      .array(z.strictObject(question).meta({ id: "ComparedQuestion" }))
      .max(200)
      .default([])
      .describe("Decided by both, and not recorded"),
  }),
  output: z.object({
    before: z.int(),
    after: z.int(),
    schema_changed: z.boolean(),
    changes: z.array(
      z
        .object({
          id: z.string(),
          change: z.enum(["added", "removed", "changed"]),
          before: hash.describe("SHA-256 of what it says"),
          after: hash,
        })
        .meta({ id: "PolicyChange" }),
    ),
    asked: z.int(),
    differing: z.array(
      z
        .object({ place: z.int().describe("From 0"), before: decision, after: decision })
        .meta({ id: "DifferingDecision" }),
    ),
  }),

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  async action({ tx, time_ms, input: { set, number, before, questions } }) {
    const [old, now] = [await openValidated(tx, set, before), await openValidated(tx, set, number)];
    const asked = refusing(() =>
      questions.map(askedOf).map((one) => ({
        before: openRequest(one, old.schema, time_ms, []),
        after: openRequest(one, now.schema, time_ms, []),
      })),
    );
    const found = [...differing(old.policies, now.policies, asked)];
    const shown = ({ outcome, reasons, errors }: (typeof found)[number]["before"]) => ({
      outcome,
      reasons: [...reasons],
      errors: [...errors],
    });
    return {
      before: old.number,
      after: now.number,
      schema_changed: old.schemaHash !== now.schemaHash,
      changes: changesOf(old.document, now.document),
      asked: asked.length,
      differing: found.map((one) => ({
        place: one.place,
        before: shown(one.before),
        after: shown(one.after),
      })),
    };
  },
});
