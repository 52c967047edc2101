import { describe, expect, test } from "vitest";
import { operations } from "../main.ts";
import { exampleOf } from "./example.ts";
import { jsonSchemaOf } from "./json-schema.ts";

describe("the example of every operation", () => {
  test.each(operations.map((operation) => [operation.name, operation] as const))(
    "%s fits what it is an example of",
    (_, { input, output }) => {
      for (const [schema, io] of [
        [input, "input"],
        [output, "output"],
      ] as const) {
        const { schema: json, named } = jsonSchemaOf(schema, io);
        const parsed = schema.safeParse(exampleOf(json, named));
        expect(parsed.error?.issues ?? []).toEqual([]);
      }
    },
  );
});
