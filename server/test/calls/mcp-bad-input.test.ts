import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { REQUESTS_PER_PROJECT_MAX } from "#faces/mcp/limits.ts";
import { openTestSystem, payment, type TestSystem } from "../system.ts";
import { insideOf, messageOf, post } from "./mcp.ts";

let system: TestSystem;
let url: string;
beforeAll(async () => {
  system = await openTestSystem();
  url = `${await system.app.listen({ host: "127.0.0.1", port: 0 })}/mcp`;
});
afterAll(async () => {
  // Who left may have connected again without a word, which the server would wait for.
  system.app.server.closeAllConnections();
  await system.stop();
});

const message = (method: string, params: object = {}, id: unknown = 1) => ({
  jsonrpc: "2.0",
  id,
  method,
  params,
});
const LIST = message("tools/list");
const tool = (name: string, input: object = {}) =>
  message("tools/call", { name, arguments: input });

interface Case {
  readonly what: string;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
  readonly key?: string;
  readonly status: number;
  /** Ours, or the number of what the protocol's library says by itself. */
  readonly code: string | number;
}

const CASES: Case[] = [
  { what: "no key", body: LIST, key: "", status: 401, code: "request/unauthenticated" },
  {
    what: "a forged key",
    body: LIST,
    key: `sk_${"0".repeat(12)}_${"A".repeat(43)}`,
    status: 401,
    code: "request/unauthenticated",
  },
  {
    what: "a key of another kind",
    body: LIST,
    key: "Basic",
    status: 401,
    code: "request/unauthenticated",
  },
  { what: "no JSON", body: "{", status: 400, code: "request/unparsable" },
  { what: "nothing", body: "", status: 400, code: -32700 },
  {
    what: "a prototype",
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list","__proto__":{}}',
    status: 400,
    code: "request/unparsable",
  },
  {
    what: "too much",
    body: message("tools/list", { a: "x".repeat(1_048_576) }),
    status: 413,
    code: "request/too_large",
  },
  {
    what: "too deep",
    body: `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":${"[".repeat(70)}${"]".repeat(70)}}`,
    status: 400,
    code: "request/too_deep",
  },
  { what: "a batch", body: [LIST, LIST], status: 400, code: "request/mcp_batch" },
  { what: "an empty batch", body: [], status: 400, code: "request/mcp_batch" },
  { what: "a number", body: 7, status: 400, code: -32600 },
  { what: "no message", body: {}, status: 400, code: -32600 },
  { what: "another protocol", body: { ...LIST, jsonrpc: "1.0" }, status: 400, code: -32600 },
  { what: "an id that is none", body: { ...LIST, id: { a: 1 } }, status: 400, code: -32600 },
  {
    what: "another type",
    body: LIST,
    headers: { "content-type": "text/plain" },
    status: 415,
    code: "request/unsupported_media_type",
  },
  {
    what: "a form",
    body: LIST,
    headers: { "content-type": "multipart/form-data" },
    status: 415,
    code: "request/unsupported_media_type",
  },
  {
    what: "only JSON",
    body: LIST,
    headers: { accept: "application/json" },
    status: 406,
    code: -32000,
  },
  {
    what: "a packed body",
    body: LIST,
    headers: { "content-encoding": "gzip" },
    status: 415,
    code: "request/mcp_encoding",
  },
  {
    what: "a page of elsewhere",
    body: LIST,
    headers: { origin: "https://evil.example" },
    status: 403,
    code: "request/foreign_origin",
  },
  {
    what: "a page of nowhere",
    body: LIST,
    headers: { origin: "null" },
    status: 403,
    code: "request/foreign_origin",
  },
  {
    what: "a name that begins like ours",
    body: LIST,
    headers: { origin: "http://localhost.evil.example" },
    status: 403,
    code: "request/foreign_origin",
  },
  {
    what: "an unknown revision",
    body: LIST,
    headers: { "mcp-protocol-version": "1999-01-01" },
    status: 400,
    code: -32000,
  },
];

test.each(CASES)("$what is refused", async ({ body, headers, key, status, code }) => {
  const answer = await post(url, key ?? system.home.key, body, headers);
  const { error } = answer.body;
  expect([answer.status, error.data?.code ?? error.code]).toEqual([status, code]);
  if (status === 401) expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  if (error.data !== undefined)
    expect(error.data).toMatchObject({ status, help: expect.stringMatching(/^[A-Z].*\.$/) });
});

test.each([
  ["evil.example", 403],
  ["localhost.evil.example:7325", 403],
  ["127.0.0.1.evil.example", 403],
  ["[::1", 403],
  ["10.0.0.1", 403],
  ["localhost", 200],
  ["127.0.0.1:1", 200],
  ["[::1]:7325", 200],
])("under the name %s the answer is %i", async (host, status) => {
  const accept = "application/json, text/event-stream";
  const answer = await system.home.call("POST", "/mcp", LIST, { host, accept });
  expect(answer.status).toBe(status);
  if (status === 403) expect(answer.body.error.data.code).toBe("request/foreign_host");
});

test("pages of this machine may call", async () => {
  const answer = await post(url, system.home.key, LIST, { origin: "http://localhost:6274" });
  expect(answer.status).toBe(200);
});

test.each(["GET", "DELETE"])("%s has nothing to give: there is no state", async (method) => {
  const headers = { authorization: `Bearer ${system.home.key}`, accept: "text/event-stream" };
  const answer = await fetch(url, { method, headers });
  expect([answer.status, answer.headers.get("allow")]).toEqual([405, "POST"]);
});

test.each([
  ["an unknown method", message("tools/destroy"), -32601],
  ["no name", message("tools/call", {}), -32602],
  [
    "a list for arguments",
    message("tools/call", { name: "control_plane_me_get", arguments: [] }),
    -32602,
  ],
  [
    "what is not declared",
    message("resources/subscribe", { uri: "sealbase://policies/active" }),
    -32601,
  ],
  ["what is not declared either", message("logging/setLevel", { level: "debug" }), -32601],
])("%s is an error of the protocol", async (_, body, code) => {
  const answer = await post(url, system.home.key, body);
  expect([answer.status, answer.body.error?.code]).toEqual([200, code]);
});

test.each([
  ["NUL", { name: "a\u0000b" }],
  ["half a character", { name: "\ud800" }],
])("%s in an argument is the call's refusal", async (_, { name }) => {
  const answer = await post(url, system.home.key, tool("authz_decision_list", { action: name }));
  expect(answer.body.result.structuredContent.code).toBe("request/invalid");
});

test("what initialize tells is kept by nobody: any connection's name is as good as none", async () => {
  const params = {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "t", version: "1" },
  };
  const first = await post(url, system.home.key, message("initialize", params));
  expect(first.headers.get("mcp-session-id")).toMatch(/^[0-9a-f-]{36}$/);
  expect(first.body.result.serverInfo.name).toBe("sealbase");
  for (const id of [first.headers.get("mcp-session-id")!, "made-up"])
    expect((await post(url, system.home.key, LIST, { "mcp-session-id": id })).status).toBe(200);
});

describe("very many requests at once", () => {
  test("of one project are refused past its share, and others have theirs", async () => {
    const busy = await system.project();
    const other = await system.project();
    const leaving = new AbortController();
    const headers = {
      authorization: `Bearer ${busy.key}`,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    };
    const body = JSON.stringify(
      tool("feed_event_watch", { seconds_max: 30, channels: ["security"] }),
    );
    const waiting = Array.from({ length: REQUESTS_PER_PROJECT_MAX }, () =>
      fetch(url, { method: "POST", headers, body, signal: leaving.signal }),
    );
    await Promise.all(waiting);
    const refused = await post(url, busy.key, LIST);
    expect([refused.status, refused.body.error.data.code]).toEqual([
      503,
      "request/too_many_requests",
    ]);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect((await post(url, other.key, LIST)).status).toBe(200);
    // The limit is this face's own.
    expect((await busy.call("POST", "/v1/risk/transactions", payment())).status).toBe(201);
    leaving.abort();
    await expect.poll(async () => (await post(url, busy.key, LIST)).status).toBe(200);
  });

  test("are each answered or refused, and leave the others' calls alone", async () => {
    const busy = await system.project();
    const other = await system.project();
    const accept = "application/json, text/event-stream";
    const flood = Array.from({ length: 2_000 }, () =>
      busy.call("POST", "/mcp", tool("control_plane_me_get"), { accept }),
    );
    const calls = Array.from({ length: 5 }, () => other.call("GET", "/v1/me"));
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([
      200, 200, 200, 200, 200,
    ]);
    const answers = await Promise.all(flood);
    const statuses = new Set(answers.map(({ status }) => status));
    expect(statuses).toEqual(new Set([200, 503]));
    const done = answers.filter(({ status }) => status === 200);
    expect(done.length).toBeGreaterThanOrEqual(REQUESTS_PER_PROJECT_MAX);
    for (const { text } of done)
      expect(insideOf(messageOf(text).result.content[0].text).project.id).toBe(busy.projectId);
  });
});
