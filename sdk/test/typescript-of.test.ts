import { expect, it } from "vitest";
import { type Schema, typeOf } from "../../scripts/typescript-of.ts";

const cases: [Schema, string][] = [
  [{ type: "string" }, "string"],
  [{ type: "integer" }, "number"],
  [{ type: ["string", "null"] }, "string | null"],
  [{ const: 1 }, "1"],
  [{ enum: ["a", "b"], type: "string" }, '"a" | "b"'],
  [{ anyOf: [{ type: "integer" }, { type: "number" }, { type: "null" }] }, "number | null"],
  [
    { type: "array", items: { anyOf: [{ type: "string" }, { type: "null" }] } },
    "readonly (string | null)[]",
  ],
  [
    { type: "object", additionalProperties: { type: "boolean" } },
    "{ readonly [name: string]: boolean }",
  ],
  [{ type: "object", properties: {} }, "Record<string, never>"],
  [
    {
      type: "object",
      required: ["a"],
      properties: {
        a: { type: "string", description: "A */ b" },
        "b-c": { type: "null", default: 5 },
      },
    },
    '{\n/** A *\\/ b */\nreadonly "a": string;\n/** default 5 */\nreadonly "b-c"?: null;\n}',
  ],
  [{ $ref: "#/components/schemas/Json" }, "Json"],
];

it.each(cases)("%j is the type %s", (schema, type) => {
  expect(typeOf(schema)).toBe(type);
});

it.each([{}, { type: "object" }, { type: "file" }])("has no type for %j, and says so", (schema) => {
  expect(() => typeOf(schema)).toThrow();
});
