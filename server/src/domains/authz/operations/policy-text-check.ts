import { z } from "zod";
import { operation } from "#pipeline";
import { formatText, policiesText } from "../cedar/policies.ts";
import { diagnosticsOf } from "../cedar/refusals.ts";
import { diagnostics, ownSchema, written, writtenOf } from "../sets/shapes.ts";
import { isValid, read, schemaWith, validate } from "../sets/versions.ts";

const output = z.object({
  valid: z.boolean(),
  diagnostics,
  formatted: z.string().nullable().describe("Cedar's text; null when they could not be read"),
  document: z.json().describe("Cedar's JSON form; null when they could not be read"),
});

type Checked = z.input<typeof output>;

export const policyTextCheck = operation({
  name: "authz.policy-text.check",
  summary: "Reads, validates and formats policies, and stores nothing.",
  rest: "POST /v1/policies/check",
  kind: "read",
  input: z.strictObject({ ...written, schema: ownSchema }),
  output,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  prepare: async ({ input }) => {
    const given = writtenOf(input);
    try {
      const schema = await schemaWith(input.schema ?? null);
      const policies = await read(given);
      const findings = await validate(policies, schema);
      const { document, source } = policies;
      const formatted = await (source === null ? policiesText(document) : formatText(source.text));
      return {
        valid: isValid(findings),
        diagnostics: findings,
        formatted,
        document: document as unknown as Checked["document"],
      };
    } catch (error) {
      // What is wrong with the input is the answer here.
      return { valid: false, diagnostics: diagnosticsOf(error), formatted: null, document: null };
    }
  },
  action: async ({ prepared }) => prepared as Checked,
});
