import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Refusal } from "#kernel/refusal.ts";
import { inNameOf } from "#kernel/whose.ts";
import { conjuncts, type Policy } from "../engine/index.ts";
import {
  CEDAR_VERSION,
  cedar,
  checkPolicies,
  formatText,
  jsonError,
  policiesText,
  readPolicies,
  validatePolicies,
} from "./policies.ts";
import { CedarPool } from "./pool.ts";
import { joinSchema, type SchemaJson } from "./schemas.ts";
import { shallow } from "./shallow.ts";

afterAll(() => cedar.close());

const all = { op: "All" };
const permit = { effect: "permit", principal: all, action: all, resource: all, conditions: [] };
const ANY = "permit(principal, action, resource)";
const refusal = (work: Promise<unknown>): Promise<Refusal> =>
  work.then(
    () => Promise.reject(new Error("it was accepted")),
    (error: Refusal) => error,
  );
const firstOf = async (text: string) => {
  const { code, facts } = await refusal(readPolicies(text));
  expect(code).toBe("action/bad_policies");
  return (facts["diagnostics"] as object[])[0];
};

describe("a text", () => {
  it("becomes policies and templates, by their ids", async () => {
    const { document } = await readPolicies(
      `// one\n@id("open") ${ANY};\n${ANY} when { "a;{" == "//" };\npermit(principal == ?principal, action, resource);`,
      [
        {
          templateId: "policy2",
          newId: "ada",
          values: { "?principal": { type: "User", id: "ada" } },
        },
      ],
    );
    expect(document).toMatchObject({
      staticPolicies: {
        open: { ...permit, annotations: { id: "open" } },
        policy1: { effect: "permit" },
      },
      templates: { policy2: { principal: { op: "==", slot: "?principal" } } },
      templateLinks: [{ newId: "ada" }],
    });
  });

  it("comes back from its policies with the same meaning", async () => {
    const { document } = await readPolicies(
      `@id("a") ${ANY} unless { context.n > 1 || principal has a.b };`,
    );
    const again = await readPolicies(await policiesText(document));
    expect(again.document).toEqual(document);
  });

  it("keeps its comments when it is formatted", async () => {
    expect(await formatText(`// why\n${ANY};// end`)).toBe(
      "// why\npermit (principal, action, resource); // end\n",
    );
  });

  it("has twelve policies in the order in which they are written", async () => {
    const { places } = await readPolicies(`${ANY};\n`.repeat(12));
    expect([...places.keys()].at(2)).toBe("policy2");
    expect(places.get("policy11")!.start).toBe(11 * (ANY.length + 2));
  });

  it.each([
    ["an unfinished policy", "permit(", { line: 1, column: 8, excerpt: "permit(" }],
    ["a word after an umlaut", `// ü\r\n${ANY} whe { true };`, { line: 2, column: 37 }],
    ["a rounded integer", `${ANY}\nwhen { 9007199254740993 == 1 };`, { line: 2, column: 8 }],
    [
      "brackets 65 deep",
      `${ANY} when { ${"(".repeat(64)}true${")".repeat(64)} };`,
      { column: 107 },
    ],
    ["a NUL", `${ANY};\n\0`, { message: "the character U+0000", line: 2 }],
    ["a sign that reorders", `${ANY}; // \u202E`, { message: "the character U+202E" }],
    ["half a character", '@id("\ud800")', { message: "half of a surrogate pair" }],
    ["a string without an end", '@id("a', { line: 1, column: 5 }],
    ["an id twice", `@id("a") ${ANY};\n@id("a") ${ANY};`, { line: 2, column: 1 }],
    ["256 KiB", `//${" ".repeat(256 * 1_024)}`, { line: 1 }],
    [
      "a template that is linked to nothing",
      `${ANY} when { ?principal == principal };`,
      { line: 1 },
    ],
  ])("with %s is refused at its place", async (_, text, where) => {
    expect(await firstOf(text)).toMatchObject({ severity: "error", ...where });
  });
});

it("a text that is deeper than JSON may be is refused, not broken by", async () => {
  const wide = `${ANY} when { ${Array(300).fill("true").join(" && ")} };`;
  expect(await firstOf(wide)).toMatchObject({ message: expect.stringContaining("nested deeper") });
});

describe("a hundred parts that && joins", () => {
  const parts = Array.from({ length: 100 }, (_, i) => `!(context has a${i})`);
  const wide = (effect: string) =>
    `@id("wide") ${effect}(principal, action, resource) when { ${parts.join(" && ")} };`;

  it("are read, written and validated, as text and as JSON", async () => {
    const { document } = await readPolicies(wide("permit"));
    await checkPolicies(document);
    const schema = await joinSchema(
      {},
      "entity User; action go appliesTo { principal: User, resource: User };",
    );
    expect(await validatePolicies(document, schema)).toEqual([]);
    const { conditions } = Object.values(
      (await readPolicies(await policiesText(document))).document.staticPolicies,
    )[0] as Policy;
    const [before] = (document.staticPolicies["wide"] as Policy).conditions;
    expect(conjuncts(conditions[0]!.body)).toEqual(conjuncts(before!.body));
  });

  it.each([
    [{}, "allow", []],
    [{ a0: 1 }, "deny", []],
    [{ a99: 1 }, "deny", []],
  ])("are decided by Cedar alike, with %j", async (context, decision, errors) => {
    const { document } = await readPolicies(wide("permit"));
    const user = { type: "User", id: "u" };
    const action = { type: "Action", id: "go" };
    const call = {
      principal: user,
      action,
      resource: user,
      context,
      policies: document,
      entities: [],
    };
    expect(await cedar.call("isAuthorized", call)).toMatchObject({
      response: { decision, diagnostics: { errors } },
    });
  });

  it("are data where they stand in a value", () => {
    let data: unknown = 1;
    for (let i = 0; i < 40; i++) data = { "&&": { left: data, right: 1 } };
    const policies = { p: { conditions: [{ kind: "when", body: { Value: data } }] } };
    expect(shallow(policies)).toEqual(policies);
  });
});

it("JSON that is too deep for Cedar is refused, and its thread goes on", async () => {
  const starts = cedar.starts;
  let body: object = { Value: true };
  for (let i = 0; i < 80; i++) body = { "!": { arg: body } };
  const deep = { ...permit, conditions: [{ kind: "when", body }] };
  const { code, facts } = await refusal(checkPolicies({ staticPolicies: { deep } }));
  expect([code, facts["cause"]]).toEqual([
    "action/cedar_unread",
    expect.stringContaining("recursion"),
  ]);
  await checkPolicies({ staticPolicies: { permit } });
  expect(cedar.starts).toBe(starts);
});

describe("policies as JSON", () => {
  it.each([
    [
      "a rounded integer",
      { a: { ...permit, conditions: [{ kind: "when", body: { Value: 2 ** 53 } }] } },
    ],
    ["an unknown effect", { a: { ...permit, effect: "allow" } }],
    ["a long id", { ["a".repeat(201)]: permit }],
  ])("with %s are refused", async (_, staticPolicies) => {
    const { code } = await refusal(checkPolicies({ staticPolicies }));
    expect(code).toBe("action/bad_policies");
  });

  it("are refused at 100,000 deep before anything recurses into them", () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(jsonError(deep)).toContain("nested deeper");
  });
});

describe("a schema", () => {
  let platform: SchemaJson;
  beforeAll(async () => {
    platform = await joinSchema({}, "entity User in [Group]; entity Group; action read;");
  });

  it("of a project may name what the platform declares", async () => {
    const own =
      'entity Doc { owner: User }; action open in ["read"] appliesTo { principal: User, resource: Doc };';
    const schema = await joinSchema(platform, own);
    const text =
      '@id("mine") permit(principal, action == Action::"open", resource)\nwhen { resource.ownr == principal };';
    const read = await readPolicies(text);
    expect(
      await validatePolicies(read.document, schema, { text, places: read.places }),
    ).toMatchObject([
      { severity: "error", policy: "mine", line: 2, column: 8, help: "did you mean `owner`?" },
    ]);
  });

  it.each([
    ["declares a type anew", "entity User;"],
    ["declares an action anew", "action read;"],
    ["names what is nowhere", "entity Doc { owner: Nobody };"],
    ["is no schema", "entity Doc {"],
    ["is no JSON schema", { "": { entityTypes: 1 } }],
  ])("that %s is refused", async (_, own) => {
    expect(await refusal(joinSchema(platform, own))).toMatchObject({ code: "action/bad_schema" });
  });
});

describe("the thread", () => {
  it("has the version of Cedar that is stored with policies", async () => {
    expect(await cedar.call("version")).toBe(CEDAR_VERSION);
  });

  it("that trapped is replaced, and the next text is read", async () => {
    const deep = `${ANY} when { ${Array(5_000).fill("true").join(" && ")} };`;
    const before = cedar.starts;
    const [trapped, read] = await Promise.allSettled([readPolicies(deep), readPolicies(`${ANY};`)]);
    expect(trapped).toMatchObject({ reason: { code: "action/cedar_trapped", status: 422 } });
    expect(read).toMatchObject({ status: "fulfilled" });
    expect(cedar.starts).toBe(before + 1);
  });

  it("that takes too long is ended", async () => {
    const pool = new CedarPool({ call_ms: 1 });
    expect(await refusal(pool.call("format", ANY))).toMatchObject({ code: "action/cedar_slow" });
    expect(pool.running).toBe(false);
  });

  it("ends when nobody uses it", async () => {
    const pool = new CedarPool({ idle_ms: 1 });
    await pool.call("format", `${ANY};`);
    await expect.poll(() => pool.running).toBe(false);
    expect(await pool.call("format", `${ANY};`)).toMatchObject({ type: "success" });
    await pool.close();
  });

  it("has a bounded queue", async () => {
    const pool = new CedarPool({ waiting_max: 1 });
    const calls = [1, 2, 3].map(() => pool.call("format", `${ANY};`));
    const ends = await Promise.allSettled(calls);
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(ends[2]).toMatchObject({ reason: { code: "action/cedar_busy", status: 503 } });
    await pool.close();
  });

  it("serves projects in turn, however many calls one of them sends", async () => {
    const pool = new CedarPool({ waiting_max: 8 });
    const done: string[] = [];
    const send = (project: string) =>
      inNameOf(project, async () => {
        await pool.call("format", `${ANY};`);
        done.push(project);
      });
    const many = Array.from({ length: 9 }, () => send("loud"));
    await Promise.all([...many, send("quiet")]);
    // One was under way, and one of the loud project's had its turn at most.
    expect(done.indexOf("quiet")).toBeLessThanOrEqual(2);
    expect(done).toHaveLength(10);
    const refused = await Promise.allSettled([
      ...Array.from({ length: 10 }, () => send("loud")),
      send("quiet"),
    ]);
    expect(refused.map(({ status }) => status).slice(-2)).toEqual(["rejected", "fulfilled"]);
    await pool.close();
  });
});
