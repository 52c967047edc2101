import { afterAll, describe, expect, it } from "vitest";
import { cedar, formatText, readPolicies, validatePolicies } from "../cedar/policies.ts";
import { joinSchema } from "../cedar/schemas.ts";
import { PLATFORM_SCHEMA } from "../schema/platform.ts";
import { POLICY_TEMPLATES } from "./index.ts";

afterAll(() => cedar.close());

describe.each(POLICY_TEMPLATES.map((template) => [template.name, template] as const))(
  "the template %s",
  (_, { text, schema: own, example }) => {
    const { links, entities } = example;

    it("is valid without a warning, and so are its links", async () => {
      const schema = await joinSchema(PLATFORM_SCHEMA, own);
      const { document, places } = await readPolicies(text, links);
      expect(await validatePolicies(document, schema, { text, places })).toEqual([]);
    });

    it("answers its two questions as it says", async () => {
      const schema = await joinSchema(PLATFORM_SCHEMA, own);
      const { document: policies } = await readPolicies(text, links);
      const ask = async (request: typeof example.allowed) => {
        const call = { ...request, schema, validateRequest: true, policies, entities };
        const answer = await cedar.call("isAuthorized", call);
        if (answer.type === "failure") throw new Error(answer.errors[0]!.message);
        const { decision, diagnostics } = answer.response;
        return { decision, errors: diagnostics.errors };
      };
      expect(await ask(example.allowed)).toEqual({ decision: "allow", errors: [] });
      expect(await ask(example.denied)).toEqual({ decision: "deny", errors: [] });
    });

    it("is shown with the ids that its example links", async () => {
      expect(await formatText(text)).toContain("@id(");
      for (const { templateId } of links) expect(text).toContain(`@id("${templateId}")`);
    });
  },
);
