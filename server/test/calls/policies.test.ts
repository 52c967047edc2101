import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TIER_RULES } from "../../src/domains/authz/templates/tiers.ts";
import { activatePolicies } from "../policies.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const ADMINS = '@id("admins")\npermit (principal in Group::"admins", action, resource);\n';
const NO_DEBITS = `// Debits stop here.
@id("no-debits")
forbid (principal, action == Action::"risk.transaction.assess", resource)
when { context.type == "DEBIT" };
`;
const at = (number: number, verb = "") => `/v1/policies/default/versions/${number}${verb}`;
const create = (caller: Caller, body: object, set = "default") =>
  caller.call("POST", `/v1/policies/${set}/versions`, body);
const validate = (caller: Caller, number: number) =>
  caller.call("POST", at(number, "/validate"), {});
const activate = (caller: Caller, number: number, body: object = {}) =>
  caller.call("POST", at(number, "/activate"), { without_preview: "a test", ...body });
const assess = async (caller: Caller) =>
  (await caller.call("POST", "/v1/risk/transactions", payment({ type: "DEBIT" }))).status;

describe("a version", () => {
  test("goes from text over draft and validated to active, and is taken back; each step is sealed", async () => {
    const caller = await system.project();
    expect(await assess(caller)).toBe(201);
    const made = await create(caller, { text: ADMINS + NO_DEBITS, base: 1 });
    expect(made.body).toMatchObject({ set: "default", number: 2, status: "draft", base: 1 });
    expect((await activate(caller, 2)).body.code).toBe("action/version_not_validated");
    expect(await assess(caller)).toBe(201);
    const validated = await validate(caller, 2);
    expect(validated.body).toMatchObject({
      valid: true,
      diagnostics: [],
      version: { status: "validated", validated_at: expect.any(String) },
    });
    const activated = await activate(caller, 2, { without_preview: "nobody debits yet" });
    expect([activated.status, activated.body.status]).toEqual([200, "active"]);
    expect(await assess(caller)).toBe(403);
    expect((await activate(caller, 2)).body.code).toBe("action/version_active");
    expect((await activate(caller, 1)).body.status).toBe("active");
    expect(await assess(caller)).toBe(201);
    const { body } = await caller.call("GET", "/v1/policies/default/versions");
    expect(body.items.map((one: { status: string }) => one.status)).toEqual(["retired", "active"]);

    const entries = (await sealedEntries(system, caller.projectId)).filter(({ action }) =>
      action.startsWith("authz."),
    );
    expect(entries.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      "authz.policy-version.create done",
      "authz.policy-version.activate refused",
      "authz.policy-version.validate done",
      "authz.policy-version.activate done",
      "authz.policy-version.activate refused",
      "authz.policy-version.activate done",
    ]);
    const [sealed] = await system.sql<{ payload: string }>(
      "select payload from ledger.payloads where tenant_id = $1 and payload like '%nobody debits yet%'",
      [caller.projectId],
    );
    expect(sealed!.payload).toContain("without_preview");
  });

  test("keeps its text as written, and gives it formatted and as JSON", async () => {
    const caller = await system.project();
    const text = `${ADMINS}${NO_DEBITS.replaceAll("\n", "   \n")}`;
    await create(caller, { text });
    const read = async (form: string) => (await caller.call("GET", at(2, `?text=${form}`))).body;
    expect((await read("source")).text).toBe(text);
    expect((await read("formatted")).text).toContain(
      '// Debits stop here.\n@id("no-debits")\nforbid (\n',
    );
    const { document, hash } = await read("none");
    expect(document.staticPolicies["no-debits"].effect).toBe("forbid");
    const again = await create(caller, { document });
    expect(again.body.hash).toBe(hash);
    const drawn = (await caller.call("GET", at(3, "?text=source"))).body.text;
    expect((await create(caller, { text: drawn })).body.hash).toBe(hash);
  });

  test("with a wrong name stays a draft, and the place is told", async () => {
    const caller = await system.project();
    await create(caller, { text: NO_DEBITS.replace("context.type", "context.typ") });
    const { body } = await validate(caller, 2);
    expect(body).toMatchObject({ valid: false, version: { status: "draft", validated_at: null } });
    expect(body.diagnostics[0]).toMatchObject({
      severity: "error",
      policy: "no-debits",
      line: 4,
      column: 8,
      help: "did you mean `type`?",
      excerpt: 'when { context.typ == "DEBIT" };',
    });
    expect((await activate(caller, 2)).body.code).toBe("action/version_not_validated");
  });

  test("of many policies is validated to the last of them, and each finding is told once", async () => {
    const caller = await system.project();
    const fine = "permit(principal, action, resource);\n".repeat(150);
    const wrong = [
      '@id("typo") permit(principal, action, resource) when { context.nobody.knows };',
      '@id("slot") permit(principal == ?principal, action, resource) when { context.nobody.knows };',
    ].join("\n");
    const links = Array.from({ length: 120 }, (_, i) => ({
      templateId: "slot",
      newId: `link-${i}`,
      values: { "?principal": { type: "User", id: `u${i}` } },
    }));
    await create(caller, { text: fine + wrong, links });
    const { body } = await validate(caller, 2);
    expect(body.valid).toBe(false);
    // Beside what Cedar finds, the whole may be too much for one decision.
    const all = body.diagnostics as { policy: string | null; line: number; message: string }[];
    const found = all.filter(({ policy }) => policy !== null);
    expect(new Set(found.map(({ policy, line }) => `${policy} ${line}`))).toEqual(
      new Set(["typo 151", "slot 152"]),
    );
    expect(new Set(found.map((one) => JSON.stringify(one))).size).toBe(found.length);
    expect((await activate(caller, 2)).body.code).toBe("action/version_not_validated");
  });

  test("of more policies than one decision may cost is not validated", async () => {
    const caller = await system.project();
    await create(caller, { text: "permit(principal, action, resource);".repeat(1_001) });
    const { body } = await validate(caller, 2);
    expect(body.valid).toBe(false);
    expect(body.diagnostics.map(({ message }: { message: string }) => message)).toContain(
      "at most 1000 policies, not 1001",
    );
  });

  test("that was edited in the database is not activated", async () => {
    const caller = await system.project();
    await create(caller, { text: ADMINS });
    await validate(caller, 2);
    await system.sql(
      "update authz.policy_versions set document = replace(document, 'admins', 'nobody') where tenant_id = $1 and number = 2",
      [caller.projectId],
    );
    expect((await activate(caller, 2)).body.code).toBe("policy/version_changed");
  });

  test("whose text was edited is validated by what it decides", async () => {
    const caller = await system.project();
    await create(caller, { text: NO_DEBITS.replace("context.type", "context.typ") });
    await system.sql(
      "update authz.policy_versions set source = $2 where tenant_id = $1 and number = 2",
      [caller.projectId, NO_DEBITS],
    );
    expect((await validate(caller, 2)).body.valid).toBe(false);
  });
});

describe("two authors", () => {
  test("do not overwrite each other: a version on an older base is neither stored nor activated", async () => {
    const caller = await system.project();
    for (const number of [2, 3]) {
      await create(caller, { text: ADMINS, base: 1 });
      await validate(caller, number);
    }
    expect((await activate(caller, 2)).status).toBe(200);
    const late = await activate(caller, 3);
    expect([late.status, late.body.code, late.body.facts]).toEqual([
      409,
      "action/base_moved",
      { set: "default", base: 1, active: 2 },
    ]);
    expect((await create(caller, { text: ADMINS, base: 1 })).body.code).toBe("action/base_moved");
    expect((await activate(caller, 3, { base: 2 })).body.status).toBe("active");
  });

  test("at once leave one active version", async () => {
    const caller = await system.project();
    const drafts = [2, 3, 4, 5];
    for (const number of drafts) {
      await create(caller, { text: ADMINS, base: 1 });
      await validate(caller, number);
    }
    const answers = await Promise.all(drafts.map((number) => activate(caller, number)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const { body } = await caller.call("GET", "/v1/policies/default");
    expect(body.number).toBe(answers.find(({ status }) => status === 200)!.body.number);
  });
});

describe("a set of its own", () => {
  const SCHEMA = `entity Page in [Folder] { owner: User };
entity Folder;
action "page.read" in [Action::"read"] appliesTo { principal: [User], resource: [Page] };`;
  const OWNERS =
    'permit(principal, action == Action::"page.read", resource)\nwhen { resource.owner == principal };';

  test("has a schema of its own beside the platform's, kept for its later versions", async () => {
    const caller = await system.project();
    const none = await caller.call("POST", "/v1/policies/check", { text: OWNERS });
    expect(none.body.diagnostics[0]).toMatchObject({ severity: "error", line: 1, column: 29 });
    const checked = await caller.call("POST", "/v1/policies/check", {
      text: OWNERS,
      schema: SCHEMA,
    });
    expect(checked.body).toMatchObject({ valid: true, diagnostics: [] });
    const permit = { text: 'permit(principal, action == Action::"page.read", resource);' };
    await create(caller, { ...permit, schema: SCHEMA }, "pages");
    await caller.call("POST", "/v1/policies/pages/versions/1/validate", {});
    const on = await caller.call("POST", "/v1/policies/pages/versions/1/activate", {});
    expect(on.body).toMatchObject({ set: "pages", status: "active" });
    const second = await create(caller, permit, "pages");
    expect(second.body.schema_hash).toBe(on.body.schema_hash);
    const { body } = await caller.call("GET", "/v1/policies/pages/versions/2");
    expect(body.schema).toBe(SCHEMA);
    const third = await create(caller, { ...permit, schema: null }, "pages");
    expect(third.body.schema_hash).not.toBe(on.body.schema_hash);
    const sets = await caller.call("GET", "/v1/policies");
    expect(sets.body.items).toMatchObject([
      { name: "default", active: 1, versions: 1 },
      { name: "pages", active: 1, versions: 3 },
    ]);
    // The platform's own calls are decided by the default set alone.
    expect((await caller.call("GET", "/v1/me")).status).toBe(200);
  });

  test.each([
    ["declares what is the platform's", "entity Project;"],
    ["declares an operation anew", 'action "risk.transaction.assess";'],
    ["does not end", "entity Page {"],
    ["is no schema", { Own: 1 }],
  ])("is refused when its schema %s", async (_, schema) => {
    const { status, body } = await create(system.home, { text: "", schema }, "own");
    expect([status, body.code]).toEqual([400, "action/bad_schema"]);
  });
});

describe("policies as JSON", () => {
  const all = { op: "All" };
  const when = (body: unknown) => ({
    document: {
      staticPolicies: {
        p: {
          effect: "permit",
          principal: all,
          action: all,
          resource: all,
          conditions: [{ kind: "when", body }],
        },
      },
    },
  });
  test.each<[string, string, object]>([
    ["with an unknown operator", "action/bad_policies", when({ "**": { left: 1 } })],
    ["with two operators in one", "action/bad_policies", when({ Value: true, Var: "context" })],
    ["with a fraction", "action/bad_policies", when({ Value: 0.5 })],
    ["with an unsafe integer", "action/bad_policies", when({ Value: 2 ** 53 })],
    ["and as a text", "action/text_or_document", { ...when({ Value: true }), text: "" }],
    ["or a text that are not there", "action/text_or_document", {}],
  ])("%s are refused", async (_, code, body) => {
    const refused = await create(system.home, body, "json");
    expect([refused.status, refused.body.code]).toEqual([400, code]);
  });
});

describe("a text", () => {
  test.each([
    ["that is none", "permit(", { line: 1, column: 8 }],
    [
      "with an integer that would be rounded",
      `${ADMINS}\n// 9007199254740993\n${NO_DEBITS.replace('"DEBIT"', "9007199254740993")}`,
      { line: 8, column: 24 },
    ],
  ])("%s is refused at its place", async (_, text, where) => {
    const { status, body } = await create(system.home, { text });
    expect([status, body.code]).toEqual([400, "action/bad_policies"]);
    expect(body.facts.diagnostics[0]).toMatchObject(where);
  });

  test("that takes Cedar long holds no connection meanwhile", async () => {
    const text = "permit(principal, action, resource) when { context.auth.step_up };".repeat(200);
    const open: number[] = [];
    let isDone = false;
    const checked = system.home.call("POST", "/v1/policies/check", { text }).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      const [row] = await system.sql<{ open: number }>(
        `select count(*)::int as open from pg_stat_activity
         where datname = current_database() and state = 'idle in transaction'`,
      );
      open.push(row!.open);
    }
    expect((await checked).status).toBe(200);
    expect(open.length).toBeGreaterThan(20);
    // Others have short ones.
    expect(open.filter((count) => count > 0).length).toBeLessThan(open.length / 4);
  });

  test("that decides about one action by more than a trace holds is not valid, and decides nothing", async () => {
    const long = (group: string) =>
      `permit(principal, action in Action::"${group}", resource) when { ${Array(60).fill("context.auth.step_up").join(" && ")} };\n`;
    const caller = await system.project();
    const text = long("read").repeat(4);
    await create(caller, { text });
    const { valid, diagnostics } = (await validate(caller, 2)).body;
    expect([valid, diagnostics]).toEqual([
      false,
      [
        expect.objectContaining({
          severity: "error",
          policy: null,
          message: expect.stringMatching(
            /^4 policies can decide about [a-z.-]+ to a resource of type [A-Z]\w+: .* at most 65536 bytes, not \d{5}$/,
          ),
        }),
      ],
    ]);
    expect((await activate(caller, 2)).body.code).toBe("action/version_not_validated");
    const apart = long("read").repeat(3) + long("write").repeat(3);
    const checked = await caller.call("POST", "/v1/policies/check", { text: apart });
    expect(checked.body).toMatchObject({ valid: true, diagnostics: [] });
  });

  test("that Cedar cannot bear is refused, and the next is read", async () => {
    const deep = `permit(principal, action, resource) when { ${Array(5_000).fill("true").join("&&")} };`;
    const [trapped, read] = await Promise.all([
      create(system.home, { text: deep }),
      system.home.call("POST", "/v1/policies/check", { text: ADMINS }),
    ]);
    expect([trapped!.status, trapped!.body.code]).toEqual([422, "action/cedar_trapped"]);
    expect(read!.body).toMatchObject({
      valid: true,
      formatted: expect.stringContaining("permit ("),
    });
  });
});

describe("templates", () => {
  test("are listed in pages, and what one gives is a version's input", async () => {
    const first = await system.home.call("GET", "/v1/policies/templates?limit=20");
    const next = `/v1/policies/templates?cursor=${first.body.next_cursor}`;
    const rest = await system.home.call("GET", next);
    const items = [...first.body.items, ...rest.body.items];
    expect([items.length, rest.body.next_cursor]).toEqual([24, null]);
    const { text, schema, example } = items.find(({ name }) => name === "team-read-write");
    const made = await create(
      system.home,
      { text, schema, links: example.links },
      "templates-used",
    );
    expect(made.status).toBe(201);
    const { body } = await system.home.call("GET", "/v1/policies/templates-used/versions/1");
    expect(body.document.templateLinks).toEqual(example.links);
  });

  test("of the tiers are the rules that the database holds", async () => {
    const rules = await system.sql<{ tier: string; scope: string }>(
      `select tier, required_scopes[1] as scope, allowed_methods as methods, 'step_up' = any(required_context) as "stepUp"
       from authz.policy_rule_templates order by tier, priority`,
    );
    expect(rules).toEqual(TIER_RULES);
  });
});

test("auditors read versions and check texts, and change nothing", async () => {
  const caller = await system.project();
  const account = await caller.call("POST", "/v1/service-accounts", {
    name: "a",
    groups: ["auditors"],
  });
  const key = await caller.call("POST", "/v1/api-keys", {
    service_account_id: account.body.id,
    name: "a",
  });
  const auditor = system.as(key.body.key, caller.projectId);
  expect((await auditor.call("GET", at(1))).status).toBe(200);
  expect((await auditor.call("POST", "/v1/policies/check", { text: ADMINS })).status).toBe(200);
  for (const answer of [
    await create(auditor, { text: ADMINS }),
    await validate(auditor, 1),
    await activate(auditor, 1),
  ])
    expect(answer.body.code).toBe("policy/denied");
});

test("policies that were replaced keep deciding what was decided by them", async () => {
  const caller = await system.project();
  const paid = await caller.call("POST", "/v1/risk/transactions", payment());
  const { body } = await caller.call("GET", "/v1/policies/default");
  expect((await activatePolicies(caller, body.document)).body.number).toBe(2);
  const replay = await caller.call("POST", `/v1/decisions/${paid.body.id}/replay`, {});
  expect(replay.body).toMatchObject({ agrees: true });
});
