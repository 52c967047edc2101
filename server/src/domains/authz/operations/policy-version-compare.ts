import { z } from "zod";
import { instant } from "#kernel/instant.ts";
import { operation } from "#pipeline";
import { askedOf, asking } from "../asking.ts";
import { openRequest, openValidated, refusing } from "../filter/open.ts";
import { asksRecorded, compareSampled, type Sampled } from "../meaning/asked.ts";
import { generatedChanges, recordedChanges } from "../meaning/shapes.ts";
import { mayNotReadDecisions } from "../refusals.ts";
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
    generate: z
      .boolean()
      .default(false)
      .describe("Also decide questions made for what changed: at the limits that policies name"),
    since: instant
      .optional()
      .describe(
        "Also decide a sample of the questions recorded since then; a week when only until is told",
      ),
    until: instant.optional().describe("Up to now unless told"),
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
    recorded: recordedChanges.nullable().describe("Null: not asked for"),
    generated: generatedChanges.nullable(),
  }),

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  prepare: async ({ input, principal: { tenantId }, ports: { db, clock }, mayReadWhy }) => {
    if (asksRecorded(input) && !(await mayReadWhy()))
      throw mayNotReadDecisions("recorded decisions");
    if (!asksRecorded(input) && !input.generate) return null;
    return compareSampled(db, tenantId, input, clock());
  },
  async action({ tx, time_ms, prepared, input: { set, number, questions, ...input } }) {
    const sampled = prepared as Sampled | null;
    // What is active may have changed since: all parts compare with the same one.
    const before = sampled?.before ?? input.before;
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
      recorded: sampled?.recorded ?? null,
      generated: sampled?.generated ?? null,
    };
  },
});
