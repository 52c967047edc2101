import { Validator } from "@seriousme/openapi-schema-validator";
import { beforeAll, describe, expect, it } from "vitest";
import { findStale, render } from "../../scripts/generate.ts";
import { renderAuthzMatrix } from "../../scripts/generate-authz-matrix.ts";
import { type FoundRefusal, findRefusals, mentionedCodes } from "../../scripts/refusals.ts";
import { DEFAULT_POLICIES } from "../src/domains/authz/default-policies.ts";
import { operations } from "../src/main.ts";

let files: Record<string, string>;
let refusals: FoundRefusal[];

beforeAll(() => {
  files = render();
  refusals = findRefusals();
});

describe("contract/ and what else is generated", () => {
  it("is current", () => {
    expect(findStale(files), "run npm run generate").toEqual([]);
  });

  it("is found stale when a file is missing or differs by a byte", () => {
    const [path, text] = Object.entries(files)[0]!;
    expect(findStale({ [path]: `${text} `, "contract/absent": "" })).toEqual([
      path,
      "contract/absent",
    ]);
  });
});

describe("openapi.json", () => {
  it("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(JSON.parse(files["contract/openapi.json"]!));
    expect([valid, errors]).toEqual([true, undefined]);
    expect(validator.version).toBe("3.1");
  });

  it("refers only to what it has", () => {
    const document = JSON.parse(files["contract/openapi.json"]!);
    const names = files["contract/openapi.json"]!.matchAll(/"\$ref": "#\/([^"]+)"/g);
    const missing = [...names].filter(
      ([, path]) => path!.split("/").reduce((at, name) => at?.[name], document) === undefined,
    );
    expect(missing).toEqual([]);
  });

  it("has every operation once", () => {
    const { paths } = JSON.parse(files["contract/openapi.json"]!);
    const ids = Object.values<Record<string, { operationId: string }>>(paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    expect(ids.toSorted()).toEqual(operations.map(({ name }) => name).toSorted());
  });
});

describe("refusals.md", () => {
  it("has every code that the sources mention, and the sources every code that it has", () => {
    const listed = [...files["contract/refusals.md"]!.matchAll(/^### `(.+)`$/gm)].map(
      ([, code]) => code!,
    );
    const stages = [...new Set(listed.map((code) => code.split("/")[0]!))];
    const mentioned = mentionedCodes(stages);
    const unlisted = [...mentioned].filter(([code]) => !listed.includes(code));
    expect(unlisted, "mentioned in the sources, made nowhere").toEqual([]);
    expect(
      listed.filter((code) => !mentioned.has(code)),
      "listed, not in the sources",
    ).toEqual([]);
  });

  it("has a message, help and an HTTP status for each", () => {
    const lacking = refusals.filter(
      ({ code, message, help, status }) =>
        message === "" || help === "" || (status === undefined && !code.startsWith("verify/")),
    );
    expect(lacking).toEqual([]);
  });
});

describe("authz-matrix.txt", () => {
  it("lets nobody without a group do anything but see who they are", () => {
    const rows = files["contract/authz-matrix.txt"]!.trimEnd().split("\n").slice(1);
    expect(rows).toHaveLength(operations.length);
    const allowed = rows.filter((row) => !row.endsWith("deny"));
    expect(allowed.map((row) => row.split(" ")[0])).toEqual(["control-plane.me.get"]);
  });

  it("changes with the policies", () => {
    const { "auditors-may-read-and-verify": _, ...others } = DEFAULT_POLICIES.staticPolicies;
    const matrix = renderAuthzMatrix(operations, { ...DEFAULT_POLICIES, staticPolicies: others });
    expect(matrix).not.toBe(files["contract/authz-matrix.txt"]);
  });
});
