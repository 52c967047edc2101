import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { platformSchema } from "../../scripts/generate-cedar-schema.ts";
import { cedar, readPolicies, validatePolicies } from "../src/domains/authz/cedar/policies.ts";
import { DEFAULT_POLICIES } from "../src/domains/authz/default-policies.ts";
import { PLATFORM_SCHEMA } from "../src/domains/authz/schema/platform.ts";
import { validate } from "../src/domains/authz/sets/versions.ts";
import { operations } from "../src/main.ts";
import type { Operation } from "../src/pipeline/index.ts";

afterAll(() => cedar.close());

const found = async (text: string) => {
  const { document, places } = await readPolicies(text);
  const diagnostics = await validatePolicies(document, PLATFORM_SCHEMA, { text, places });
  return diagnostics.map(({ severity, message }) => `${severity}: ${message}`);
};

describe("the platform's schema", () => {
  it("holds for the policies that a new project has", async () => {
    const read = { document: DEFAULT_POLICIES, source: null };
    expect(await validate(read, PLATFORM_SCHEMA)).toEqual([]);
  });

  it("lets a policy name every operation, its groups, its resource and its context", async () => {
    const texts = operations.map(({ name, policy }) => {
      const read = (policy.context ?? []).map((field) => ` && (context has ${field})`).join("");
      return `permit(principal, action == Action::"${name}", resource is ${policy.resource.type})
        when { action in Action::"${name.split(".")[0]}" && context.auth.step_up${read} };`;
    });
    expect((await found(texts.join("\n"))).filter((line) => line.startsWith("error"))).toEqual([]);
  });

  it.each([
    ["an operation that is not there", 'action == Action::"risk.transaction.undo"', "true"],
    [
      "a field of another operation",
      'action == Action::"risk.transaction.assess"',
      'context.url == ""',
    ],
    [
      "an amount as text",
      'action == Action::"risk.transaction.assess"',
      'context.amount_cents == "1"',
    ],
    [
      "an address that may be missing",
      'action == Action::"risk.transaction.assess"',
      "context.network.address.isIpv4()",
    ],
  ])("refuses a policy that names %s", async (_, action, condition) => {
    const lines = await found(`permit(principal, ${action}, resource) when { ${condition} };`);
    expect(lines[0]).toMatch(/^error: /);
  });

  it.each([
    ["a type that Cedar has not", z.strictObject({ a: z.number() }), "a"],
    ["what is not in the input", z.strictObject({ a: z.int() }), "b"],
    ["the name of a fact of every call", z.strictObject({ time: z.int() }), "time"],
  ])("is refused when an operation lets conditions read %s", (_, input, field) => {
    const policy = { resource: { type: "Project", id: () => "" }, context: [field] };
    const operation = { name: "a.b.read", kind: "read", input, policy } as unknown as Operation;
    expect(() => platformSchema([operation])).toThrow(`cannot read the field ${field}`);
  });
});
