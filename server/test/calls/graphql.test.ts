import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { openHttp } from "#faces/http.ts";
import { type Operation, operation } from "#pipeline";
import { operations } from "../../src/main.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";
import { type Anything, ask, send } from "./graphql.ts";

const ASSESS = `mutation ($input: RiskTransactionAssessInput!) {
  riskTransactionAssess(input: $input) { id score level reasons features }
}`;
const ME = "{ controlPlaneMeGet { api_key_id } }";

let system: TestSystem;
let home: Caller;
beforeAll(async () => {
  system = await openTestSystem();
  home = system.home;
});
afterAll(() => system.stop());

/** The same project, by a server with other operations or settings. */
async function elsewhere(list: readonly Operation[], development = false): Promise<Caller> {
  const health = async () => ({ state: "ok", reasons: [] }) as never;
  const app = openHttp(system.parts, list, health, { development });
  const call: Caller["call"] = async (method, url, body, headers = {}) => {
    const answer = await app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${home.key}`, ...headers },
      ...(body === undefined ? {} : { payload: body as object }),
    });
    const json = /json/.test(String(answer.headers["content-type"]));
    return {
      status: answer.statusCode,
      text: answer.payload,
      body: json ? answer.json() : undefined,
      headers: answer.headers as Record<string, string>,
    };
  };
  return { ...home, call };
}

describe("a field is a call", () => {
  test.each([
    [
      "GET",
      "/v1/me",
      "{ controlPlaneMeGet { principal { type id name groups } project { id name score_max } organization_id api_key_id } }",
    ],
    [
      "GET",
      "/v1/policies/default",
      "{ authzPolicyGet { id set number status hash schema_hash engine cedar base created_by created_at validated_at activated_at retired_at quarantined_at document schema } }",
    ],
    [
      "GET",
      "/v1/projects/PROJECT",
      '{ controlPlaneProjectGet(id: "PROJECT") { id name slug score_max created_at } }',
    ],
  ] as const)("%s %s gives the same", async (method, path, query) => {
    const named = (text: string) => text.replace("PROJECT", home.projectId);
    const rest = await home.call(method, named(path));
    const { data, errors } = await ask(home, named(query));
    expect(errors).toEqual([]);
    expect(Object.values(data)[0]).toEqual(rest.body);
  });

  test("a write is sealed, and its facts are told", async () => {
    const { status, data, calls } = await ask(
      home,
      ASSESS,
      { input: payment() },
      { "x-request-id": "gq-1" },
    );
    expect(status).toBe(200);
    const { id } = data.riskTransactionAssess;
    expect(calls).toEqual([
      {
        path: ["riskTransactionAssess"],
        operation: "risk.transaction.assess",
        id,
        request_id: "gq-1",
        entry: { index: expect.any(Number), size: expect.any(Number) },
        repeated: false,
        timings_ms: expect.objectContaining({ policy: expect.any(Number) }),
      },
    ]);
    const entries = await sealedEntries(system, home.projectId);
    expect(entries.find((entry) => entry.id === id)).toMatchObject({
      outcome: "done",
      action: "risk.transaction.assess",
    });
  });

  test("each has an answer of its own: one is refused, the others are done", async () => {
    const nobody = "00000000-0000-7000-8000-000000000000";
    const { status, data, errors, calls } = await ask(
      home,
      `{ a: authzDecisionGet(id: "${nobody}") { id } ${ME.slice(1)}`,
    );
    expect([status, data.a, data.controlPlaneMeGet.api_key_id]).toEqual([
      200,
      null,
      expect.any(String),
    ]);
    expect(calls).toHaveLength(1);
    expect(errors).toEqual([
      expect.objectContaining({
        path: ["a"],
        extensions: {
          code: "action/decision_missing",
          step: "action",
          status: 404,
          facts: expect.anything(),
          help: expect.any(String),
          request_id: expect.any(String),
        },
      }),
    ]);
  });

  test("a sealed refusal names its call", async () => {
    const made = await home.call("POST", "/v1/service-accounts", { name: "nobody", groups: [] });
    const key = await home.call("POST", "/v1/api-keys", {
      service_account_id: made.body.id,
      name: "k",
    });
    const { errors } = await ask(system.as(key.body.key, home.projectId), ASSESS, {
      input: payment(),
    });
    expect(errors[0].extensions).toMatchObject({
      code: "policy/denied",
      step: "policy",
      status: 403,
    });
    const entries = await sealedEntries(system, home.projectId);
    expect(entries.map(({ id }) => id)).toContain(errors[0].extensions.call_id);
  });

  test("null means left out where the operation knows no null", async () => {
    const input = { ...payment(), external_id: null, occurred_at: null };
    expect((await ask(home, ASSESS, { input })).codes).toEqual([]);
    expect(
      (await ask(home, "{ authzDecisionList(first: null, outcome: null) { nodes { id } } }")).codes,
    ).toEqual([]);
  });

  test("a stranger gets nothing but the reason", async () => {
    const { status, data, codes } = await ask(system.as(""), ME);
    expect([status, data, codes]).toEqual([
      200,
      { controlPlaneMeGet: null },
      ["request/unauthenticated"],
    ]);
  });

  test("If-Match is checked, never ignored", async () => {
    const query = `mutation { controlPlaneProjectUpdate(input: { id: "${home.projectId}", score_max: 0.6 }) { id } }`;
    expect((await ask(home, query, {}, { "if-match": '"other"' })).codes).toEqual([
      "action/changed",
    ]);
    expect((await ask(home, ME, {}, { "if-match": '"other"' })).codes).toEqual([
      "request/no_precondition",
    ]);
  });
});

describe("several mutations", () => {
  const TWO = `mutation ($input: RiskTransactionAssessInput!) {
    first: riskTransactionAssess(input: $input) { id }
    second: riskTransactionAssess(input: $input) { id }
  }`;

  test("are done one after the other, each once for a key", async () => {
    const key = { "idempotency-key": crypto.randomUUID() };
    const once = await ask(home, TWO, { input: payment() }, key);
    const again = await ask(home, TWO, { input: payment() }, key);
    expect(once.codes).toEqual([]);
    expect(once.data.first.id < once.data.second.id).toBe(true);
    expect(again.data).toEqual(once.data);
    expect([once, again].map(({ calls }) => calls.map(({ repeated }) => repeated))).toEqual([
      [false, false],
      [true, true],
    ]);
    const rest = await home.call("POST", "/v1/risk/transactions", payment(), {
      "idempotency-key": `${key["idempotency-key"]}#1`,
    });
    expect(rest.body.id).toBe(once.data.second.id);
  });

  test("one alone has the key itself", async () => {
    const key = { "idempotency-key": crypto.randomUUID() };
    const { data } = await ask(home, ASSESS, { input: payment() }, key);
    const rest = await home.call("POST", "/v1/risk/transactions", payment(), key);
    expect(rest.body).toEqual(data.riskTransactionAssess);
  });
});

describe("the array form", () => {
  const MANY = `mutation ($inputs: [RiskTransactionAssessInput!]!) {
    riskTransactionAssessMany(inputs: $inputs) { ok status output { id } problem { code } }
  }`;

  test("has a result for each input, in order", async () => {
    const inputs = [payment(), payment({ amount_cents: -1 }), payment()];
    const { data, calls } = await ask(
      home,
      MANY,
      { inputs },
      { "idempotency-key": crypto.randomUUID() },
    );
    expect(data.riskTransactionAssessMany).toEqual([
      { ok: true, status: 201, output: { id: expect.any(String) }, problem: null },
      { ok: false, status: 400, output: null, problem: { code: "request/invalid" } },
      { ok: true, status: 201, output: { id: expect.any(String) }, problem: null },
    ]);
    expect(calls.map(({ path }) => path[1])).toEqual([0, 2]);
  });

  test.each([
    ["none", 0, "request/bad_count"],
    ["too many", 1_001, "request/bad_count"],
  ])("%s are refused", async (_, count, code) => {
    const inputs = Array.from({ length: count }, () => payment());
    const query = MANY.replace("{ ok status output { id } problem { code } }", "{ ok }");
    expect((await ask(home, query, { inputs })).codes).toEqual([code]);
  });

  test("an unknown key is told once", async () => {
    const { data, codes } = await ask(system.as("sk_no"), MANY, { inputs: [payment(), payment()] });
    expect([data, codes]).toEqual([
      { riskTransactionAssessMany: null },
      ["request/unauthenticated"],
    ]);
  });
});

describe("lists", () => {
  const LIST = `query ($first: Int, $after: String) {
    controlPlaneServiceAccountList(first: $first, after: $after) {
      edges { cursor node { id name } } nodes { id }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;
  const PATH = "/v1/service-accounts";
  const list = async (variables: object): Promise<Anything> =>
    (await ask(home, LIST, variables)).data.controlPlaneServiceAccountList;

  test("are paged by the cursors of the other faces, and these by theirs", async () => {
    for (const name of ["a", "b", "c"]) await home.call("POST", PATH, { name });
    const rest = await home.call("GET", `${PATH}?limit=2`);
    const page = await list({ first: 2 });
    expect(page.nodes.map(({ id }: Anything) => id)).toEqual(
      rest.body.items.map(({ id }: Anything) => id),
    );
    expect(page.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: page.edges[0].cursor,
      endCursor: rest.body.next_cursor,
    });
    const next = await list({ first: 1, after: page.edges[0].cursor });
    expect(next.edges[0].node.id).toBe(page.nodes[1].id);
    expect(next.pageInfo.hasPreviousPage).toBe(true);
    const byRest = await home.call("GET", `${PATH}?limit=1&cursor=${page.edges[0].cursor}`);
    expect(byRest.body.items[0].id).toBe(page.nodes[1].id);
  });

  test("end", async () => {
    const { pageInfo } = await list({ first: 200 });
    expect(pageInfo.hasNextPage).toBe(false);
  });

  test.each([
    [{ first: 0 }, "request/invalid"],
    [{ first: 201 }, "request/invalid"],
    [{ after: "nonsense" }, "request/bad_cursor"],
  ])("%j is refused", async (variables, code) => {
    expect((await ask(home, LIST, variables)).codes).toEqual([code]);
  });
});

describe("persisted queries", () => {
  const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");
  const persisted = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });

  test("are asked for by hash once they were sent", async () => {
    const query = "{ controlPlaneMeGet { organization_id } }";
    const extensions = persisted(hashOf(query));
    const missing = await send(home, { extensions });
    expect([missing.status, missing.codes, missing.errors[0].message]).toEqual([
      404,
      ["request/graphql_persisted_query_missing"],
      "PersistedQueryNotFound",
    ]);
    expect((await send(home, { query, extensions })).codes).toEqual([]);
    expect((await send(home, { extensions })).data.controlPlaneMeGet.organization_id).toBe(
      system.organizationId,
    );
    const byUrl = await home.call(
      "GET",
      `/graphql?extensions=${encodeURIComponent(JSON.stringify(extensions))}`,
    );
    expect(byUrl.body.data.controlPlaneMeGet.organization_id).toBe(system.organizationId);
  });

  test("the hash must be the document's", async () => {
    const { codes } = await send(home, { query: ME, extensions: persisted(hashOf("other")) });
    expect(codes).toEqual(["request/graphql_persisted_query_mismatch"]);
  });

  test("what is not valid is not kept", async () => {
    const query = "{ nothing }";
    await send(home, { query, extensions: persisted(hashOf(query)) });
    expect((await send(home, { extensions: persisted(hashOf(query)) })).codes).toEqual([
      "request/graphql_persisted_query_missing",
    ]);
  });
});

describe("who may see the schema", () => {
  const INTROSPECTION = "{ __schema { queryType { name } } }";

  test.each([
    ["nobody without a key", () => system.as(""), ["policy/introspection_denied"]],
    ["nobody with a wrong one", () => system.as("sk_no"), ["policy/introspection_denied"]],
    ["who has a key", () => home, []],
  ] as const)("%s", async (_, caller, codes) => {
    expect((await ask(caller(), INTROSPECTION)).codes).toEqual(codes);
  });

  test("nobody whom the policies do not let read it", async () => {
    const account = await home.call("POST", "/v1/service-accounts", { name: "s", groups: [] });
    const body = { service_account_id: account.body.id, name: "k" };
    const { body: made } = await home.call("POST", "/v1/api-keys", body);
    const { codes } = await ask(system.as(made.key), INTROSPECTION);
    expect(codes).toEqual(["policy/introspection_denied"]);
  });

  test("everybody, in development", async () => {
    const open = await elsewhere(operations, true);
    const { codes } = await ask(open, INTROSPECTION, {}, { authorization: "" });
    expect(codes).toEqual([]);
  });

  test("suggestions are for development, too", async () => {
    const query = "{ controlPlaneMeGets { id } }";
    expect((await ask(home, query)).errors[0].message).not.toMatch(/Did you mean/);
    expect((await ask(await elsewhere(operations, true), query)).errors[0].message).toMatch(
      /Did you mean/,
    );
  });

  test("GraphiQL is a page of development that loads nothing from elsewhere", async () => {
    const accept = { accept: "text/html" };
    const page = await (await elsewhere(operations, true)).call(
      "GET",
      "/graphql",
      undefined,
      accept,
    );
    expect([page.status, page.headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(page.text).not.toMatch(/<(?:script|link)[^>]+(?:src|href)="?https?:/);
    const none = await home.call("GET", "/graphql", undefined, accept);
    expect([none.status, none.body.errors[0].extensions.code]).toEqual([
      400,
      "request/graphql_bad_parameter",
    ]);
  });
});

describe("what goes wrong inside", () => {
  const broken = (
    name: `${string}.${string}.${string}`,
    output: z.ZodType,
    action: () => Promise<never>,
  ) =>
    operation({
      name,
      summary: "Breaks.",
      rest: `GET /v1/${name}`,
      kind: "read",
      input: z.strictObject({}),
      output,
      policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
      score: "none",
      action,
    });
  const SECRET = "the password is hunter2";

  /** Says that it is a text, and lets everything pass. */
  const careless = z.object({ id: z.any().meta({ type: "string" }) });

  test.each([
    ["a bug", z.object({ id: z.string() }), async () => Promise.reject(new Error(SECRET))],
    ["an answer that is not whole", careless, async () => ({ note: SECRET }) as never],
    [
      "an answer that GraphQL cannot write",
      careless,
      async () => ({ id: { [SECRET]: 1 } }) as never,
    ],
  ] as const)("%s stays inside", async (_, output, action) => {
    const me = operations.find(({ name }) => name === "control-plane.me.get")!;
    const caller = await elsewhere([
      { ...broken("control-plane.me.get", output, action), policy: me.policy },
    ]);
    const { data, errors } = await ask(caller, "{ controlPlaneMeGet { id } }");
    expect(data).toEqual({ controlPlaneMeGet: null });
    expect(errors[0].extensions).toMatchObject({ code: "action/failed", status: 500 });
    expect(JSON.stringify(errors)).not.toContain("hunter2");
  });
});
