import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { checkRowPolicies } from "#domains/authz";
import { type Caller, openTestSystem, type TestSystem } from "../system.ts";

let system: TestSystem;
let caller: Caller;

const SCHEMA = `entity Folder in [Folder];
entity Page in [Folder] { owner: User, team?: Group, readers: Set<User>, title: String, size: Long, draft: Bool };
action "page.read", "page.write" appliesTo { principal: [User], resource: [Page] };`;

const TEXT = `@id("owners") permit(principal, action, resource is Page) when { resource.owner == principal };
@id("teams") permit(principal, action == Action::"page.read", resource is Page) when { resource has team && principal in resource.team };
@id("readers") permit(principal, action == Action::"page.read", resource is Page) when { resource.readers.contains(principal) };
@id("staff") permit(principal in Group::"staff", action, resource is Page in Folder::"shared");
@id("drafts") forbid(principal, action, resource is Page) when { resource.draft } unless { resource.owner == principal };
@id("banned") forbid(principal in Group::"banned", action, resource is Page);`;

const MAPPING = {
  schema: "app",
  table: "pages",
  id: { column: "id" },
  parents: [{ type: "Folder", column: "folder" }],
  attributes: {
    owner: { column: "owner" },
    team: { column: "team" },
    readers: { column: "readers" },
    title: { column: "title" },
    size: { column: "size" },
    draft: { column: "draft" },
  },
  hierarchy: {
    Folder: {
      schema: "app",
      table: "folders",
      id: { column: "id" },
      parents: [{ type: "Folder", column: "parent" }],
    },
  },
};

const body = {
  action: "page.read",
  resource_type: "Page",
  principal: { type: "User", setting: "app.user_id" },
  groups: [{ type: "Group", setting: "app.groups" }],
  mapping: MAPPING,
};

const PAGES: readonly (readonly unknown[])[] = [
  ["mine", null, "ada", null, [], "it's", 1, false],
  ["my-draft", null, "ada", null, [], "", 1, true],
  ["theirs", null, "bob", null, [], "", 1, false],
  ["team", null, "bob", "red", [], "", 1, false],
  ["team-draft", null, "bob", "red", [], "", 1, true],
  ["read", null, "bob", null, ["eve", "ada"], "", 1, false],
  ["shared", "below", "bob", null, [], "", 1, false],
  ["without-owner", "shared", null, null, ["ada"], "", 1, false],
];

async function makePages(): Promise<void> {
  await system.sql("drop schema if exists app cascade");
  await system.sql("create schema app");
  await system.sql("create table app.folders (id text primary key, parent text)");
  await system.sql("insert into app.folders values ('shared', null), ('below', 'shared')");
  await system.sql(
    "create table app.pages (id text primary key, folder text, owner text, team text, readers text[], title text, size int8, draft bool)",
  );
  for (const page of PAGES)
    await system.sql("insert into app.pages values ($1, $2, $3, $4, $5, $6, $7, $8)", [...page]);
  await system.sql("grant usage on schema app to app_user");
  await system.sql("grant select, insert, update, delete on all tables in schema app to app_user");
}

async function activate(text: string, schema?: string): Promise<void> {
  const made = await caller.call("POST", "/v1/policies/pages/versions", {
    text,
    ...(schema && { schema }),
  });
  const at = `/v1/policies/pages/versions/${made.body.number}`;
  const checked = await caller.call("POST", `${at}/validate`, {});
  expect(checked.body.valid, checked.text).toBe(true);
  expect((await caller.call("POST", `${at}/activate`, { without_preview: "a test" })).status).toBe(
    200,
  );
}

const compile = (more: object = {}) =>
  caller.call("POST", "/v1/policies/pages/row-policies", { ...body, ...more });

async function deploy(more: object = {}): Promise<Record<string, string>> {
  const made = await compile(more);
  expect(made.status, made.text).toBe(201);
  for (const statement of made.body.statements) await system.sql(statement);
  return made.body;
}

/** What a role without rights of its own gets done, with these settings. */
async function as<T extends pg.QueryResultRow>(
  settings: Record<string, string>,
  sql: string,
): Promise<T[]> {
  const set = Object.entries(settings).map(
    ([name, value]) => `set_config('${name}', '${value}', true)`,
  );
  await system.sql("begin");
  try {
    if (set.length > 0) await system.sql(`select ${set.join(", ")}`);
    await system.sql("set local role app_user");
    return await system.sql<T>(sql);
  } finally {
    await system.sql("rollback");
  }
}

const seen = async (settings: Record<string, string>) =>
  (await as<{ id: string }>(settings, "select id from app.pages order by id")).map(({ id }) => id);

beforeAll(async () => {
  system = await openTestSystem();
  await system.sql(
    "do $$ begin create role app_user; exception when duplicate_object then null; end $$",
  );
});
afterAll(() => system?.stop());

beforeEach(async () => {
  caller = await system.project();
  await makePages();
  await activate(TEXT, SCHEMA);
});

describe("a deployed row policy shows", () => {
  test.each<[string, Record<string, string>, string[]]>([
    [
      "an owner what decisions would allow",
      { "app.user_id": "ada", "app.groups": "{}" },
      ["mine", "my-draft", "read"],
    ],
    [
      "a team its own, but no drafts",
      { "app.user_id": "eve", "app.groups": "{red}" },
      ["read", "team"],
    ],
    [
      "staff what lies in a folder",
      { "app.user_id": "x", "app.groups": "{all,staff}" },
      ["shared"],
    ],
    ["nothing to who is banned", { "app.user_id": "ada", "app.groups": "{staff,banned}" }, []],
    ["nothing to nobody", { "app.groups": "{staff}" }, []],
    ["nothing when groups were not said", { "app.user_id": "ada" }, []],
    ["nothing to an empty name", { "app.user_id": "", "app.groups": "{staff}" }, []],
    ["nothing to a name that is SQL", { "app.user_id": '" or true --', "app.groups": "{}" }, []],
  ])("%s", async (_, settings, wanted) => {
    await deploy();
    expect(await seen(settings)).toEqual(wanted);
  });

  test("the same whatever search path its reader chose", async () => {
    await deploy();
    await system.sql("create schema if not exists evil");
    await system.sql("grant usage on schema evil to app_user");
    await system.sql(
      "create or replace function evil.yes(text, text) returns bool language sql immutable as 'select true'",
    );
    await system.sql(
      "do $$ begin create operator evil.= (leftarg = text, rightarg = text, function = evil.yes); exception when duplicate_function then null; end $$",
    );
    const settings = { "app.user_id": "x", "app.groups": "{}", search_path: "evil, pg_catalog" };
    // The trap works: here every text equals every other.
    expect((await as<{ is: boolean }>(settings, "select 'a'::text = 'b'::text as is"))[0]!.is).toBe(
      true,
    );
    expect(await seen(settings)).toEqual([]);
  });

  test("rows by an index, as its function is taken apart", async () => {
    await activate(
      "permit(principal, action, resource is Page) when { resource.owner == principal };",
    );
    await deploy();
    await system.sql('create index on app.pages (owner collate "C")');
    await system.sql(
      "insert into app.pages select 'p' || n, null, 'u' || n, null, '{}', '', n, false from generate_series(1, 5000) n",
    );
    await system.sql("analyze app.pages");
    const plan = await as(
      { "app.user_id": "u77", "app.groups": "{}" },
      "explain (format json) select id from app.pages",
    );
    expect(JSON.stringify(plan)).toContain("Index");
    expect(JSON.stringify(plan)).not.toContain("sealbase_");
  });
});

test("writes are checked by the row as it becomes", async () => {
  await deploy();
  await deploy({ action: "page.write", command: "update" });
  await deploy({ action: "page.write", command: "insert" });
  const ada = { "app.user_id": "ada", "app.groups": "{}" };
  const titles = await as(ada, "update app.pages set title = 'new' returning id");
  expect(titles.map(({ id }) => id).sort()).toEqual(["mine", "my-draft"]);
  const refused = "violates row-level security";
  await expect(as(ada, "update app.pages set owner = 'bob' where id = 'mine'")).rejects.toThrow(
    refused,
  );
  const values = (owner: string) =>
    `insert into app.pages values ('new', null, '${owner}', null, '{}', '', 1, false)`;
  await expect(as(ada, values("bob"))).rejects.toThrow(refused);
  expect(await as(ada, values("ada"))).toEqual([]);
});

const listed = async () => (await caller.call("GET", "/v1/row-policies")).body.items;

describe("drift is found", () => {
  test("nowhere when nothing is another, for each command", async () => {
    for (const command of ["select", "insert", "update", "delete"])
      await deploy({ command, roles: command === "delete" ? ["app_user"] : [] });
    const items = await listed();
    expect(
      items.map(({ state, differences }: Record<string, unknown>) => [state, differences]),
    ).toEqual(Array(4).fill(["deployed", []]));
  });

  test.each<[string, string, (made: Record<string, string>) => string]>([
    [
      "another body",
      "function_body",
      ({ function_name }) =>
        `create or replace function app.${function_name}(app.pages) returns bool language sql stable as 'select true'`,
    ],
    [
      "the owner's rights",
      "function_kind",
      ({ function_name }) => `alter function app.${function_name} security definer`,
    ],
    [
      "a setting of its own",
      "function_kind",
      ({ function_name }) => `alter function app.${function_name} set search_path = 'evil'`,
    ],
    [
      "another condition",
      "policy_text",
      ({ policy_name }) => `alter policy ${policy_name} on app.pages using (true)`,
    ],
    [
      "another condition beside it",
      "policy_text",
      ({ policy_name, function_name }) =>
        `alter policy ${policy_name} on app.pages using (app.${function_name}(pages.*) or draft)`,
    ],
    [
      "other roles",
      "policy_roles",
      ({ policy_name }) => `alter policy ${policy_name} on app.pages to app_user`,
    ],
    [
      "row security switched off",
      "row_security_off",
      () => "alter table app.pages disable row level security",
    ],
    [
      "owners let through",
      "row_security_not_forced",
      () => "alter table app.pages no force row level security",
    ],
    [
      "a policy of somebody else's",
      "other_policies",
      () => "create policy open on app.pages using (true)",
    ],
  ])("in %s", async (_, difference, tamper) => {
    const made = await deploy();
    await system.sql(tamper(made));
    const [item] = await listed();
    expect([item.state, item.differences]).toEqual(["drifted", [difference]]);
  });

  test("when it is gone, and not told to another project", async () => {
    const made = await deploy();
    await system.sql(`drop policy ${made["policy_name"]} on app.pages`);
    expect((await listed())[0]).toMatchObject({ state: "missing", outdated: false });
    const other = await system.project();
    expect((await other.call("GET", "/v1/row-policies")).body.items).toEqual([]);
  });

  test("when other policies decide: outdated, and a new one takes its place", async () => {
    const first = await deploy();
    await activate("permit(principal, action, resource is Page) when { resource.size > 0 };");
    expect(await listed()).toMatchObject([{ state: "deployed", outdated: true }]);
    const second = await deploy();
    expect(second["policy_name"]).toBe(first["policy_name"]);
    expect(await listed()).toMatchObject([
      { id: second["id"], state: "deployed", outdated: false },
    ]);
  });

  test("by the daily job, which tells of what is watched", async () => {
    const job = async () =>
      checkRowPolicies(system.parts.db)({
        id: "",
        tenantId: caller.projectId,
        payload: {},
        attempt: 1,
        signal: new AbortController().signal,
        progress() {},
      });
    await compile({ action: "page.write", command: "delete", watched: false });
    const { policy_name } = await deploy();
    expect(await job()).toEqual({ result: { row_policies: 1, differing: 0 } });
    await system.sql(`alter policy ${policy_name} on app.pages using (true)`);
    expect(await job()).toMatchObject({
      result: { row_policies: 1, differing: 1 },
      event: {
        kind: "policy_sql_drift",
        severity: "critical",
        facts: {
          row_policies: [
            { table: "app.pages", policy_name, state: "drifted", differences: ["policy_text"] },
          ],
        },
      },
    });
  });

  test("by a job that every project has", async () => {
    const { body: schedules } = await caller.call("GET", "/v1/schedules");
    expect(schedules.items).toContainEqual(
      expect.objectContaining({ topic: "authz.row-policies", enabled: true }),
    );
  });
});

test("two versions are compared by what they say, and by what they decide", async () => {
  const owners = TEXT.split("\n")[0]!;
  const staff = (groups: string) =>
    `@id("staff") permit(principal in Group::"${groups}", action == Action::"page.read", resource is Page);`;
  await activate(`${owners}\n${staff("staff")}`);
  await activate(
    `// The same, otherwise written.\n${owners.replace("(principal, action,", "( principal , action ,")}\n${staff("all")}\n@id("new") ${TEXT.split("\n")[4]!.slice(14)}`,
  );
  const about = (groups: string[], draft: boolean) => ({
    principal: { type: "User", id: "ada", groups },
    action: "page.read",
    resource: { type: "Page", id: "1" },
    entities: [
      {
        uid: { type: "Page", id: "1" },
        attrs: {
          owner: { __entity: { type: "User", id: "bob" } },
          readers: [],
          title: "",
          size: 1,
          draft,
        },
      },
    ],
  });
  const questions = [
    about(["staff"], false),
    about(["staff", "all"], false),
    about(["staff", "all"], true),
    about([], false),
  ];
  const { status, body: found } = await caller.call(
    "POST",
    "/v1/policies/pages/versions/3/compare",
    { before: 2, questions },
  );
  expect(status, JSON.stringify(found)).toBe(200);
  expect(found.changes.map(({ id, change }: Record<string, string>) => [id, change])).toEqual([
    ["new", "added"],
    ["staff", "changed"],
  ]);
  expect([found.before, found.after, found.asked, found.schema_changed]).toEqual([2, 3, 4, false]);
  const none = { reasons: [], errors: [] };
  const allowed = { outcome: "allow", reasons: ["staff"], errors: [] };
  expect(found.differing).toEqual([
    { place: 0, before: allowed, after: { outcome: "deny", ...none } },
    { place: 2, before: allowed, after: { outcome: "deny", reasons: ["new"], errors: [] } },
  ]);
  const draft = await caller.call("POST", "/v1/policies/pages/versions", { text: owners });
  const refused = await caller.call(
    "POST",
    `/v1/policies/pages/versions/${draft.body.number}/compare`,
    {},
  );
  expect(refused.body.code).toBe("action/version_not_validated");
});

describe("refused is", () => {
  test.each<[string, string, string | null, object]>([
    [
      "what reads the principal",
      "other_entity",
      "permit(principal, action, resource is Page) when { principal.level == 1 };",
      {},
    ],
    [
      "arithmetic",
      "operator",
      "permit(principal, action, resource is Page) when { resource.size + 1 > 2 };",
      {},
    ],
    ["groups that no setting says", "hierarchy_unmapped", null, { groups: [] }],
  ])("%s", async (_, reason, text, more) => {
    if (text !== null)
      await activate(
        text,
        text.includes("level")
          ? SCHEMA.replaceAll("[User]", "[Reader]").replace(
              "entity Folder",
              "entity Reader { level: Long };\nentity Folder",
            )
          : undefined,
      );
    const principal = text?.includes("level")
      ? { type: "Reader", setting: "app.user_id" }
      : body.principal;
    const { status, body: refused } = await compile({ principal, ...more });
    expect([status, refused.code, refused.facts.reason], refused.title).toEqual([
      422,
      "action/filter_unsupported",
      reason,
    ]);
  });

  test("a table without its schema", async () => {
    const { schema: _, ...mapping } = MAPPING;
    expect((await compile({ mapping })).body.code).toBe("action/table_place_missing");
  });
});
