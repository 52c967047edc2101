import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  graphqlBreaks,
  type Json,
  mayBreak,
  openapiBreaks,
  toolBreaks,
} from "../../scripts/breaking.ts";

const ROOT = join(import.meta.dirname, "../..");
const text = readFileSync(join(ROOT, "contract/openapi.json"), "utf8");

// biome-ignore lint/suspicious/noExplicitAny: the cases reach into the document freely
type Open = any;

/** The document as it is, and as it is after a change. */
function changed(change: (document: Open) => void): [Json, Json] {
  const document = JSON.parse(text);
  change(document);
  return [JSON.parse(text), document];
}

const PAYMENT = (document: Open) =>
  document.paths["/v1/risk/transactions"].post.requestBody.content["application/json"].schema
    .oneOf[0];

describe("a change of the REST interface", () => {
  test("that changes nothing breaks nothing", () =>
    expect(openapiBreaks(...changed(() => {}))).toEqual([]));

  test.each<[string, (document: Open) => void, string]>([
    ["an operation goes", (d) => delete d.paths["/v1/me"], "control-plane.me.get is gone"],
    [
      "a path moves",
      (d) => {
        d.paths["/v1/myself"] = d.paths["/v1/me"];
        delete d.paths["/v1/me"];
      },
      "control-plane.me.get moved from GET /v1/me to GET /v1/myself",
    ],
    [
      "an output field goes",
      (d) => delete d.components.schemas.Project.properties.slug,
      "control-plane.project.get output.slug is gone",
    ],
    [
      "an output field may be absent",
      (d) => (d.components.schemas.Project.required = ["id"]),
      "control-plane.project.get output.slug may now be absent",
    ],
    [
      "an output field may be null",
      (d) =>
        (d.components.schemas.Entry.properties.kind = {
          anyOf: [{ type: "string" }, { type: "null" }],
        }),
      "ledger.entry.get output.kind may now be null",
    ],
    [
      "a new input is needed",
      (d) => {
        PAYMENT(d).properties.currency = { type: "string" };
        PAYMENT(d).required.push("currency");
      },
      "risk.transaction.assess now needs currency",
    ],
    [
      "an optional input is needed",
      (d) => PAYMENT(d).required.push("external_id"),
      "risk.transaction.assess now needs external_id",
    ],
    [
      "an input goes",
      (d) => delete PAYMENT(d).properties.external_id,
      "risk.transaction.assess takes no external_id any more",
    ],
    [
      "a limit is lowered",
      (d) => (PAYMENT(d).properties.external_id.maxLength = 10),
      "risk.transaction.assess takes less as external_id: maxLength",
    ],
    [
      "a value is not taken any more",
      (d) => PAYMENT(d).properties.type.enum.pop(),
      "risk.transaction.assess takes less as type: not DEBIT",
    ],
    [
      "a code changes",
      (d) => {
        const schema = Object.values<Open>(d.components.responses)
          .map((response) => response.content["application/problem+json"].schema.allOf?.[1])
          .find((part) => part?.properties.code.enum.includes("action/project_missing"));
        schema.properties.code.enum = ["action/no_project"];
      },
      "control-plane.project.get is no longer refused with action/project_missing",
    ],
  ])("is found when %s", (_, change, wanted) =>
    expect(openapiBreaks(...changed(change))).toContain(wanted),
  );

  test("that only adds is none", () =>
    expect(
      openapiBreaks(
        ...changed((d) => {
          d.components.schemas.Project.properties.colour = { type: "string" };
          PAYMENT(d).properties.note = { type: "string" };
          PAYMENT(d).properties.type.enum.push("GIFT");
          d.paths["/v1/new"] = { get: { operationId: "a.new.one", responses: {} } };
        }),
      ),
    ).toEqual([]));
});

test("a change of the GraphQL schema is found", () => {
  const schema = readFileSync(join(ROOT, "contract/schema.graphql"), "utf8");
  expect(graphqlBreaks(schema, schema)).toEqual([]);
  expect(graphqlBreaks(schema, schema.replace("  slug: String!\n", ""))).toContain(
    "Field Project.slug was removed.",
  );
});

test("a change of the tools is found", () => {
  const tool = (name: string, required: string[]) => ({ name, inputSchema: { required } });
  expect(toolBreaks([tool("a", []), tool("b", [])], [tool("a", ["x"])])).toEqual([
    "tool a now needs x",
    "tool b is gone",
  ]);
});

test.each<[string, string, boolean]>([
  ["0.1.0", "0.1.1", false],
  ["0.1.0", "0.2.0", true],
  ["0.1.0", "1.0.0", true],
  ["1.2.0", "1.3.0", false],
  ["1.2.0", "2.0.0", true],
  ["0.0.1", "0.0.2", true],
])("from %s to %s may break: %s", (before, after, wanted) =>
  expect(mayBreak(before, after)).toBe(wanted),
);
