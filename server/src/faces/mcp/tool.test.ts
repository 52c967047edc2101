import { AjvJsonSchemaValidator } from "@modelcontextprotocol/server/validators/ajv";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Operation, operation } from "#pipeline";
import { operations } from "../../main.ts";
import { TOOL_NAME_CHARACTERS_MAX } from "./limits.ts";
import { toolsOf } from "./sealbase.ts";
import { toolOf } from "./tool.ts";
import { UnderWay } from "./under-way.ts";

const tools = [...toolsOf(operations).values()].map(({ tool }) => tool);

test.each(tools.map((tool) => [tool.name, tool] as const))("%s stands by itself", (name, tool) => {
  expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
  expect(name.length).toBeLessThanOrEqual(TOOL_NAME_CHARACTERS_MAX);
  const validator = new AjvJsonSchemaValidator();
  for (const schema of [tool.inputSchema, tool.outputSchema]) {
    expect(schema.type).toBe("object");
    // Does not compile when it refers to what it does not have.
    expect(validator.getValidator(schema)({ nothing: "of this" }).valid).toBe(false);
    const refs = [...JSON.stringify(schema).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref!);
    expect(refs.filter((ref) => !ref.startsWith("#/$defs/"))).toEqual([]);
  }
});

const declared = (more: Partial<Operation>) =>
  toolOf(
    operation({
      name: "a-b.c-d.e",
      summary: "Does it.",
      rest: "GET /v1/e",
      kind: "read",
      input: z.strictObject({}),
      output: z.object({}),
      policy: { resource: { type: "A", id: () => "b" } },
      score: "none",
      action: async () => ({}),
      ...more,
    } as Operation as never),
  );

describe("what a tool says of itself", () => {
  test.each<[string, Partial<Operation>, object]>([
    ["a read", {}, { readOnlyHint: true, destructiveHint: false, idempotentHint: true }],
    ["a stream", { kind: "stream" }, { readOnlyHint: true, destructiveHint: false }],
    [
      "what adds",
      { kind: "write", rest: "POST /v1/e", status: 201 },
      { readOnlyHint: false, destructiveHint: false, idempotentHint: false },
    ],
    [
      "what changes",
      { kind: "write", rest: "PATCH /v1/e" },
      { destructiveHint: true, idempotentHint: true },
    ],
    [
      "what removes",
      { kind: "write", rest: "DELETE /v1/e" },
      { destructiveHint: true, idempotentHint: true },
    ],
    [
      "what starts a job",
      { kind: "write", rest: "POST /v1/e", status: 202 },
      { destructiveHint: true },
    ],
  ])("%s", (_, more, hints) => expect(declared(more).annotations).toMatchObject(hints));

  test("its name and title are the operation's", () =>
    expect(declared({})).toMatchObject({ name: "a_b_c_d_e", title: "a-b.c-d.e" }));

  test.each([
    ["no object", z.array(z.string())],
    ["one of several", z.union([z.object({ a: z.string() }), z.string()])],
  ])("an output that is %s cannot be one", (_, output) =>
    expect(() => declared({ output })).toThrow("object"),
  );

  test("two operations with one tool's name are refused", () => {
    const named = (name: string) => ({ ...operations[0]!, name }) as Operation;
    expect(() => toolsOf([named("a.b-c.d"), named("a.b.c-d")])).toThrow("one tool's name");
  });
});

describe("requests under way", () => {
  test("one of a name is cancelled, two are left alone, and a name is forgotten", () => {
    const underWay = new UnderWay();
    const [first, second] = [new AbortController(), new AbortController()];
    const forget = underWay.remember("a", first);
    const forgetSecond = underWay.remember("a", second);
    underWay.cancel("a");
    expect([first.signal.aborted, second.signal.aborted]).toEqual([false, false]);
    forgetSecond();
    underWay.cancel("b");
    underWay.cancel("a");
    expect([first.signal.aborted, second.signal.aborted]).toEqual([true, false]);
    expect(first.signal.reason.code).toBe("request/cancelled");
    forget();
    underWay.cancel("a");
  });

  test("there are at most 1,024 of them, 256 of a project, and who leaves twice leaves once", () => {
    const underWay = new UnderWay();
    const leaves = Array.from({ length: 1_024 }, (_, i) => underWay.enter(`p${i % 4}`));
    expect(() => underWay.enter("p0")).toThrow("Too many");
    expect(() => underWay.enter("p9")).toThrow("Too many");
    leaves[0]!();
    leaves[0]!();
    underWay.enter("p9");
    expect(() => underWay.enter("p0")).toThrow("Too many");
  });
});
