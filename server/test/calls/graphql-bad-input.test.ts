import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Caller, openTestSystem, payment, type TestSystem } from "../system.ts";
import { ask, send } from "./graphql.ts";

let system: TestSystem;
let home: Caller;
let url: URL;
beforeAll(async () => {
  system = await openTestSystem();
  home = system.home;
  url = new URL(await system.app.listen({ host: "127.0.0.1", port: 0 }));
});
afterAll(() => system.stop());

const JSON_TYPE = "application/json";
const times = (count: number, text: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => text(at)).join(" ");

/** Documents that cost more than they look like. */
const BOMBS: [string, string, string][] = [
  ["aliases", `{ ${times(101, (at) => `a${at}: __typename`)} }`, "request/graphql_too_many"],
  [
    "aliases of calls",
    `{ ${times(2_000, (at) => `a${at}: controlPlaneMeGet { api_key_id }`)} }`,
    "request/graphql_too_long",
  ],
  [
    "the same field over and over",
    `{ ${times(1_001, () => "__typename")} }`,
    "request/graphql_too_many",
  ],
  [
    "directives",
    `{ __typename ${times(101, () => "@include(if: true)")} }`,
    "request/graphql_too_many",
  ],
  [
    "a fragment in itself",
    "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "request/graphql_invalid",
  ],
  [
    "fragments that double 20 times",
    `{ ...F0 } ${times(20, (at) => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`)} fragment F20 on Query { __typename }`,
    "request/graphql_too_many",
  ],
  ["10,000 levels", `${"{ a ".repeat(10_000)}${"}".repeat(10_000)}`, "request/graphql_too_deep"],
  [
    "10,000 lists",
    `{ a(b: ${"[".repeat(10_000)}${"]".repeat(10_000)}) }`,
    "request/graphql_too_deep",
  ],
  [
    "10,000 list types",
    `query ($a: ${"[".repeat(10_000)}Int${"]".repeat(10_000)}) { a }`,
    "request/graphql_too_deep",
  ],
  [
    "30 levels in fragments",
    `{ ${'... on Query { telemetryChainWhy(id: "a") { '.repeat(1)}${times(30, (at) => `calls { a${at}: `)}id${"}".repeat(30)} } } }`,
    "request/graphql_too_deep",
  ],
  ["nearly a megabyte", `{ __typename } # ${"x".repeat(1_000_000)}`, "request/graphql_too_long"],
  [
    "a long string",
    `{ telemetryChainWhy(id: "${"x".repeat(100_000)}") { text } }`,
    "request/graphql_too_long",
  ],
  [
    "full pages of everything",
    `{ ${times(60, (at) => `a${at}: ledgerEntryList(first: 200) { nodes { id entry } }`)} }`,
    "request/graphql_too_costly",
  ],
  [
    "a page without end",
    "{ ledgerEntryList(first: 2147483647) { nodes { id } } }",
    "request/graphql_too_costly",
  ],
  [
    "introspection in a circle",
    `{ __schema { types { ${"fields { type { ".repeat(4)} name ${"} }".repeat(4)} } } }`,
    "request/graphql_invalid",
  ],
  [
    "introspection over and over",
    `{ ${times(30, (at) => `a${at}: __schema { types { name kind description fields { name description args { name } } } }`)} }`,
    "request/graphql_too_many",
  ],
  [
    "introspection with many names",
    `{ __schema { ${times(50, (at) => `a${at}: types { fields { args { name } } }`)} } }`,
    "request/graphql_too_many",
  ],
  ["half a word", "{ controlPlane", "request/graphql_syntax"],
  ["no such field", "{ nothing }", "request/graphql_invalid"],
  ["an empty document", " # nothing", "request/graphql_syntax"],
  ["a schema", "type Query { a: Int }", "request/graphql_invalid"],
  [
    "__proto__ in a literal",
    'mutation { authzDecisionAsk(input: { principal: { type: "a", id: "b" }, action: "c", resource: { type: "d", id: "e" }, context: { __proto__: 1 } }) { id } }',
    "request/graphql_invalid",
  ],
];

/** Bodies that are no GraphQL request. */
const BODIES: [string, unknown, Record<string, string>, number, string][] = [
  ["an array", [{ query: "{ __typename }" }], {}, 400, "request/graphql_batch"],
  ["no query", {}, {}, 400, "request/graphql_bad_parameter"],
  ["a query that is no text", { query: 1 }, {}, 400, "request/graphql_bad_parameter"],
  [
    "variables in a list",
    { query: "{ __typename }", variables: [] },
    {},
    400,
    "request/graphql_bad_parameter",
  ],
  ["broken JSON", "{", {}, 400, "request/unparsable"],
  [
    "__proto__",
    '{"query":"{ __typename }","variables":{"__proto__":{"a":1}}}',
    {},
    400,
    "request/unparsable",
  ],
  [
    "variables 100 deep",
    `{"query":"{ __typename }","variables":{"a":${"[".repeat(100)}${"]".repeat(100)}}}`,
    {},
    400,
    "request/too_deep",
  ],
  [
    "more than a megabyte",
    { query: "{ __typename }", variables: { a: "x".repeat(1_100_000) } },
    {},
    413,
    "request/too_large",
  ],
  [
    "text",
    "{ __typename }",
    { "content-type": "text/plain" },
    415,
    "request/unsupported_media_type",
  ],
  [
    "a bare document",
    "{ __typename }",
    { "content-type": "application/graphql" },
    415,
    "request/unsupported_media_type",
  ],
  [
    "a form",
    "query=%7B__typename%7D",
    { "content-type": "application/x-www-form-urlencoded" },
    415,
    "request/unsupported_media_type",
  ],
  [
    "an upload",
    "--x--",
    { "content-type": "multipart/form-data; boundary=x" },
    415,
    "request/unsupported_media_type",
  ],
  [
    "an unknown operation",
    { query: "query A { __typename }", operationName: "B" },
    {},
    400,
    "request/graphql_unknown_operation",
  ],
  [
    "two operations and no name",
    { query: "query A { __typename } query B { __typename }" },
    {},
    400,
    "request/graphql_unknown_operation",
  ],
  [
    "a subscription that accepts no events",
    { query: "subscription { feedEventWatch { id } }" },
    {},
    406,
    "request/not_acceptable",
  ],
  [
    "an answer as a picture",
    { query: "{ __typename }" },
    { accept: "image/png" },
    406,
    "request/not_acceptable",
  ],
  [
    "a hash that is none",
    { extensions: { persistedQuery: { version: 2 } } },
    {},
    400,
    "request/graphql_persisted_query_mismatch",
  ],
  [
    "a hash that is not even an object",
    { extensions: { persistedQuery: "a" } },
    {},
    400,
    "request/graphql_persisted_query_mismatch",
  ],
];

/** Of this process's own work, whatever else the machine does; short enough to tell work that grows with its square. */
const BOUND_MS = 1_500;

async function within<T>(work: () => Promise<T>): Promise<T> {
  const before = process.cpuUsage();
  const done = await work();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(BOUND_MS);
  return done;
}

describe("a document that asks for too much", () => {
  test.each(BOMBS)("%s", async (_, query, code) => {
    const { status, data, codes, errors } = await within(() => ask(home, query));
    expect([status, data, codes[0]]).toEqual([400, undefined, code]);
    expect(errors[0].extensions.help).toMatch(/\w+\./);
    expect(JSON.stringify(errors).length).toBeLessThan(20_000);
  });

  test("1,000 bad fields are told in 20 errors", async () => {
    const { errors } = await within(() => ask(home, `{ ${times(900, (at) => `no${at}`)} }`));
    expect(errors.length).toBeLessThanOrEqual(21);
  });

  test("1,000 fields that could clash are compared in time", async () => {
    const fields = times(490, (at) => `__typename ... on Query { x${at % 50}: __typename }`);
    await within(() => ask(home, `{ ${fields} }`));
  });

  test("a value that does not fit is not sent back whole", async () => {
    const query =
      "query ($id: Int) { __typename @include(if: true) ledgerEntryList(first: $id) { nodes { id } } }";
    const { codes, errors } = await ask(home, query, { id: "x".repeat(500_000) });
    expect(codes).toEqual(["request/graphql_invalid"]);
    expect(JSON.stringify(errors).length).toBeLessThan(2_000);
  });

  test("the largest introspection that is valid is as large as the schema", async () => {
    const ref = `type { name ${"ofType { name ".repeat(4)}${"}".repeat(4)} }`;
    const args = `args { name ${ref} }`;
    const query = `{ __schema { types { name fields { name ${args} type { name fields { name ${args} ${ref} } } } } } }`;
    const { codes } = await within(() => ask(home, query));
    expect(codes).toEqual([]);
  });

  test("many variables are as many values, and no more", async () => {
    const variables = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`v${at}`, at]));
    const { data } = await within(() => ask(home, "{ __typename }", variables));
    expect(data).toEqual({ __typename: "Query" });
  });
});

describe("what is no GraphQL request", () => {
  test.each(BODIES)("%s", async (_, body, headers, status, code) => {
    const answer = await within(() => send(home, body, headers));
    expect([answer.status, answer.codes]).toEqual([status, [code]]);
  });

  test("a compressed body is not unpacked", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, " "));
    const answer = await fetch(new URL("/graphql", url), {
      method: "POST",
      headers: { "content-type": JSON_TYPE, "content-encoding": "gzip" },
      body: bomb,
    });
    const { errors } = (await answer.json()) as { errors: { extensions: { code: string } }[] };
    expect([answer.status, errors[0]!.extensions.code]).toEqual([
      415,
      "request/unsupported_encoding",
    ]);
  });

  test.each([
    ["a mutation", "?query=mutation%7B__typename%7D", 405, "request/graphql_only_by_post"],
    [
      "broken variables",
      "?query=%7B__typename%7D&variables=%7B",
      400,
      "request/graphql_bad_parameter",
    ],
    [
      "__proto__",
      "?query=%7B__typename%7D&variables=%7B%22__proto__%22%3A1%7D",
      400,
      "request/graphql_bad_parameter",
    ],
    [
      "two queries",
      "?query=%7B__typename%7D&query=%7B__typename%7D",
      400,
      "request/graphql_bad_parameter",
    ],
  ])("by URL: %s", async (_, query, status, code) => {
    const accept = "application/graphql-response+json";
    const answer = await home.call("GET", `/graphql${query}`, undefined, { accept });
    expect([answer.status, answer.body.errors[0].extensions.code]).toEqual([status, code]);
  });

  test("one that never ends its body holds up nobody", async () => {
    const socket = connect(Number(url.port), url.hostname);
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: 1000\r\n\r\n{`,
    );
    expect((await home.call("GET", "/v1/me")).status).toBe(200);
    socket.destroy();
  });
});

test("while all of them run at once, an ordinary call has its answer", async () => {
  const storm = Promise.all(
    Array.from({ length: 5 }, () => BOMBS.map(([, query]) => ask(home, query))).flat(),
  );
  const calm = await within(() => home.call("POST", "/v1/risk/transactions", payment()));
  expect(calm.status).toBe(201);
  const refused = await storm;
  expect(refused.every(({ status }) => status === 400)).toBe(true);
});
