import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { countRows, type Method, openTestSystem, payment, type TestSystem } from "../system.ts";

const MIB = 1_048_576;

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  for (let i = 0; i < 3; i++) await system.home.call("POST", "/v1/risk/transactions", payment());
  await system.home.call("POST", "/v1/service-accounts", { name: "one" });
  await system.parts.reads.flush(true);
});
afterAll(() => system.stop());

/** One clear problem, with facts and help; nothing written, nothing told about our inside. */
async function refused(
  code: string,
  status: number,
  method: Method,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<void> {
  await system.parts.reads.flush(); // of earlier tests
  const before = await countRows(system);
  const answer = await system.home.call(method, path, body, headers);
  expect([answer.status, answer.body?.code]).toEqual([status, code]);
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  expect(Object.keys(answer.body).sort()).toEqual([
    "code",
    "facts",
    "help",
    "request_id",
    "status",
    "title",
    "type",
  ]);
  expect(answer.body).toMatchObject({
    status,
    facts: expect.any(Object),
    help: expect.stringMatching(/^[A-Z].*\.$/s),
  });
  expect(answer.headers["x-request-id"]).toBe(answer.body.request_id);
  expect(answer.text).not.toMatch(
    /\bat .+:\d+:\d+|\.ts\b|node_modules|\bselect\b .* from|\binsert into\b|SQLSTATE|violates|Error:/i,
  );
  expect(answer.text.length).toBeLessThan(4_000);
  await system.parts.reads.flush();
  expect(await countRows(system)).toEqual(before);
}

const PAY = "/v1/risk/transactions";

describe("a body", () => {
  const deep = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  test.each<[string, string, number, unknown, Record<string, string>?]>([
    ["that is cut off", "request/unparsable", 400, '{"type":'],
    ["that is no JSON", "request/unparsable", 400, "hello"],
    ["with two values", "request/unparsable", 400, "{} {}"],
    ["that is empty", "request/invalid", 400, ""],
    ["that is null", "request/invalid", 400, "null"],
    ["that is a number", "request/invalid", 400, "1"],
    ["that is a string", "request/invalid", 400, '"x"'],
    [
      "larger than a MiB",
      "request/too_large",
      413,
      JSON.stringify(payment({ external_id: "x".repeat(MIB) })),
    ],
    [
      "of another type",
      "request/unsupported_media_type",
      415,
      "a=b",
      { "content-type": "application/x-www-form-urlencoded" },
    ],
    ["of no type", "request/unsupported_media_type", 415, "{}", { "content-type": "text/plain" }],
    ["with wrong types", "request/invalid", 400, payment({ amount_cents: "12" })],
    ["with an unknown word", "request/invalid", 400, payment({ type: "GIFT" })],
    ["with an unknown field", "request/invalid", 400, payment({ amount: 1 })],
    ["with a missing field", "request/invalid", 400, { type: "PAYMENT" }],
    [
      "with an unsafe integer",
      "request/invalid",
      400,
      JSON.stringify(payment()).replace("12345", "9007199254740993"),
    ],
    [
      "with a huge number",
      "request/invalid",
      400,
      JSON.stringify(payment()).replace("12345", "1e400"),
    ],
    ["with a fraction of a cent", "request/invalid", 400, payment({ amount_cents: 0.5 })],
    ["with NUL in a string", "request/invalid", 400, payment({ origin_account: "a\u0000b" })],
    [
      "with NUL behind backslashes",
      "request/invalid",
      400,
      payment({ origin_account: "\\\\\u0000" }),
    ],
    [
      "with half a surrogate pair",
      "request/invalid",
      400,
      '{"type":"PAYMENT","amount_cents":1,"origin_account":"\\ud800","destination_account":"B"}',
    ],
    ["a hundred thousand deep", "request/too_deep", 400, deep(100_000)],
    ["sixty-five deep", "request/too_deep", 400, deep(65)],
    ["with __proto__", "request/unparsable", 400, '{"__proto__":{"type":"PAYMENT"}}'],
    ["with constructor.prototype", "request/unparsable", 400, '{"constructor":{"prototype":{}}}'],
    ["with too long a name", "request/invalid", 400, payment({ origin_account: "x".repeat(121) })],
    ["with no time", "request/invalid", 400, payment({ occurred_at: "yesterday" })],
    [
      "with a time that no calendar has",
      "request/invalid",
      400,
      payment({ occurred_at: "2026-02-30T00:00:00Z" }),
    ],
    ["with no items", "request/bad_count", 400, []],
    ["with 1,001 items", "request/bad_count", 400, Array.from({ length: 1_001 }, () => payment())],
  ])("%s is refused: %s", (_, code, status, body, headers) =>
    refused(code, status, "POST", PAY, body, headers),
  );

  test("that is an array is refused where one thing is taken", () =>
    refused("request/invalid", 400, "POST", "/v1/service-accounts", [{ name: "a" }]));

  test("with __proto__ deep in a context is refused", () =>
    refused(
      "request/unparsable",
      400,
      "POST",
      "/v1/decisions",
      '{"principal":{"type":"a","id":"b"},"action":"a.b.c","resource":{"type":"a","id":"b"},"context":{"__proto__":1}}',
    ));

  test("with a secret that is bound to the path is refused", () =>
    refused("request/invalid", 400, "PATCH", `/v1/projects/${system.home.projectId}`, {
      id: system.home.projectId,
      score_max: 1,
    }));
});

test("a backslash before u0000 is text, and is taken", async () => {
  const answer = await system.home.call("POST", PAY, payment({ origin_account: "C:\\u0000" }));
  expect(answer.status).toBe(201);
  const why = await system.home.call("GET", `/v1/decisions/${answer.body.id}/why`);
  expect(why.body.calls[0].request.input.origin_account).toBe("C:\\u0000");
});

describe("policies", () => {
  const all = { op: "All" };
  const document = (body: unknown, more: object = {}) => ({
    document: {
      staticPolicies: {
        p: {
          effect: "permit",
          principal: all,
          action: all,
          resource: all,
          conditions: [{ kind: "when", body }],
        },
        ...more,
      },
    },
  });
  const nested = (depth: number): object =>
    depth === 0 ? { Value: true } : { "||": { left: { Value: false }, right: nested(depth - 1) } };
  const sum = (parts: number): object =>
    parts === 1 ? { Value: true } : { "&&": { left: { Value: true }, right: sum(parts - 1) } };
  const path = "/v1/policies/default/versions";
  test.each<[string, string, unknown, string?]>([
    ["too deep for JSON", "request/too_deep", document(nested(40))],
    ["with NUL in a name", "request/invalid", document({ Value: "\u0000" })],
    ["that are none", "request/invalid", { document: {} }],
    ["under a reserved name", "request/invalid", document({ Value: true }), "check"],
  ])("%s are refused", (_, code, body, set = "default") =>
    refused(code, 400, "POST", `/v1/policies/${set}/versions`, body),
  );

  test("as deep as allowed are taken", async () => {
    const other = await system.project();
    const deepest = (await other.call("POST", path, document(nested(20)))).status;
    expect([deepest, (await other.call("POST", path, document(sum(20)))).status]).toEqual([
      201, 201,
    ]);
  });
});

const LISTS = [
  "/v1/decisions",
  "/v1/policies/default/versions",
  "/v1/ledger/entries",
  "/v1/projects",
  "/v1/service-accounts",
  "/v1/api-keys",
];
const cursor = (place: unknown) => Buffer.from(JSON.stringify(place)).toString("base64url");

describe.each(LISTS)("the list %s", (path) => {
  test.each([
    "nonsense",
    cursor({ id: 1 }),
    cursor("not-an-id"),
    cursor([1]),
    cursor(-1),
    cursor(1e300),
    cursor(3_000_000_000.5),
    cursor("00000000-0000-0000-0000-00000000000g"),
    "x".repeat(400),
  ])("refuses the cursor %s", (bad) =>
    refused("request/bad_cursor", 400, "GET", `${path}?cursor=${bad}`),
  );

  test("has no page beyond the end of every number", async () => {
    const place = /versions|entries/.test(path)
      ? Number.MAX_SAFE_INTEGER
      : "ffffffff-ffff-ffff-ffff-ffffffffffff";
    const answer = await system.home.call("GET", `${path}?cursor=${cursor(place)}`);
    expect([answer.status, answer.body.code]).toEqual(
      path.includes("versions") ? [400, "request/bad_cursor"] : [200, undefined],
    );
  });

  test("refuses the cursor of a list that is ordered by something else", async () => {
    const place = /versions|entries/.test(path) ? "00000000-0000-7000-8000-000000000000" : 3;
    await refused("request/bad_cursor", 400, "GET", `${path}?cursor=${cursor(place)}`);
  });

  test.each([
    "limit=0",
    "limit=201",
    "limit=x",
    "limit=1.5",
    "limit=1&limit=2",
    "offset=1",
    `cursor=${"x".repeat(501)}`,
  ])("refuses %s", (search) => refused("request/invalid", 400, "GET", `${path}?${search}`));

  test("is walked to its end, page by page, without a repeat", async () => {
    const all = (await system.home.call("GET", `${path}?limit=200`)).body.items.map(
      (item: unknown) => JSON.stringify(item),
    );
    const seen: string[] = [];
    for (let next: string | null = ""; next !== null; ) {
      const { body } = await system.home.call(
        "GET",
        `${path}?limit=1${next === "" ? "" : `&cursor=${next}`}`,
      );
      expect(body.items.length).toBeLessThanOrEqual(1);
      seen.push(...body.items.map((item: unknown) => JSON.stringify(item)));
      next = body.next_cursor;
    }
    expect(seen.filter((item) => all.includes(item))).toEqual(all);
  });
});

describe("a path", () => {
  test.each<[Method, string, string, number]>([
    ["GET", "/v1/decisions/not-an-id", "request/invalid", 400],
    ["GET", `/v1/decisions/${"0".repeat(36)}`, "request/invalid", 400],
    ["GET", "/v1/ledger/entries/1", "request/invalid", 400],
    ["GET", "/v1/ledger/entries/'; drop table x/receipt", "request/invalid", 400],
    ["GET", "/v1/decisions/%00/why", "request/invalid", 400],
    ["GET", `/v1/decisions/${"x".repeat(129)}/why`, "request/invalid", 400],
    ["DELETE", "/v1/api-keys/1", "request/invalid", 400],
    ["GET", "/v1/nowhere", "request/unknown_route", 404],
    ["GET", "/v1/../etc/passwd", "request/unknown_route", 404],
    ["PUT", "/v1/me", "request/method_not_allowed", 405],
    ["DELETE", "/v1/decisions", "request/method_not_allowed", 405],
    ["GET", "/v1/decisions/%ff/why", "request/bad_path", 400],
    ["GET", "/v1/me?__proto__=1", "request/invalid", 400],
    ["GET", "/v1/me?a[b]=1", "request/invalid", 400],
  ])("%s %s is refused: %s", (method, path, code, status) => refused(code, status, method, path));
});

test("another project's ids are as if they were nobody's", async () => {
  const other = await system.project();
  const paid = await other.call("POST", PAY, payment());
  const theirs = await system.home.call("GET", `/v1/decisions/${paid.body.id}`);
  const nobodys = await system.home.call(
    "GET",
    "/v1/decisions/00000000-0000-7000-8000-000000000000",
  );
  const blank = ({ body }: { body: object }) => ({ ...body, facts: null, request_id: null });
  expect(blank(theirs)).toEqual(blank(nobodys));
});
