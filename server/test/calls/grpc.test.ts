import { randomUUID } from "node:crypto";
import {
  type CallOptions,
  Code,
  ConnectError,
  createClient,
  type Transport,
} from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { errorInfo } from "#faces/grpc/error-info.ts";
import type { GrpcPort } from "#faces/grpc/port.ts";
import { openHttp } from "#faces/http.ts";
import { operations } from "../../src/main.ts";
import { type Generated, generateClient, openGrpc } from "../grpc.ts";
import { openTestSystem, sealedEntries, type TestSystem } from "../system.ts";

const TRANSFER = {
  type: "TRANSFER",
  amountCents: 1_234_500n,
  originAccount: "A",
  destinationAccount: "B",
};
/** Empties its account: the riskiest that no policy forbids. */
const DRAIN = {
  ...TRANSFER,
  amountCents: 1_000_000_000n,
  originBeforeCents: 1_000_000_000n,
  originAfterCents: 0n,
};

let system: TestSystem;
let port: GrpcPort;
let http: string;
let api: Generated;
let remove: () => void;

beforeAll(async () => {
  system = await openTestSystem();
  port = await openGrpc(system);
  http = await system.app.listen({ host: "127.0.0.1", port: 0 });
  ({ api, remove } = await generateClient());
});
afterAll(async () => {
  remove();
  await port.close();
  await system.stop();
});

const overHttp2 = () => port.url.replace("grpc:", "http:");
const TRANSPORTS: [string, () => Transport][] = [
  ["gRPC", () => createGrpcTransport({ baseUrl: overHttp2() })],
  [
    "gRPC-Web on the gRPC port",
    () => createGrpcWebTransport({ baseUrl: overHttp2(), httpVersion: "2" }),
  ],
  [
    "gRPC-Web on the HTTP port",
    () => createGrpcWebTransport({ baseUrl: http, httpVersion: "1.1" }),
  ],
  [
    "Connect on the gRPC port",
    () => createConnectTransport({ baseUrl: overHttp2(), httpVersion: "2" }),
  ],
  [
    "Connect on the HTTP port, as JSON",
    () => createConnectTransport({ baseUrl: http, httpVersion: "1.1" }),
  ],
  [
    "Connect on the HTTP port, as bytes",
    () => createConnectTransport({ baseUrl: http, httpVersion: "1.1", useBinaryFormat: true }),
  ],
];

// biome-ignore lint/suspicious/noExplicitAny: generated at run time, so without types
type Client = Record<string, (input: object, options?: CallOptions) => any>;
const clientOf = (service: string, transport: Transport): Client =>
  createClient(api[service]!, transport) as unknown as Client;

const by = (key: string, more: Record<string, string> = {}) => ({
  headers: { authorization: `Bearer ${key}`, ...more },
});

async function refusalOf(call: Promise<unknown>): Promise<ConnectError> {
  return call.then(
    () => expect.unreachable("was not refused"),
    (error) => ConnectError.from(error),
  );
}

describe.each(TRANSPORTS)("a client over %s", (_, open) => {
  const use = (service: string) => clientOf(service, open());

  test("reads what REST reads", async () => {
    const { home } = system;
    const found = await use("ControlPlaneService")["projectGet"]!(
      { id: home.projectId },
      by(home.key),
    );
    const rest = (await home.call("GET", `/v1/projects/${home.projectId}`)).body;
    const { id, name, slug, scoreMax, createdAt } = found;
    expect({ id, name, slug, score_max: scoreMax, created_at: createdAt }).toEqual(rest);
  });

  test("writes, and finds in its metadata what REST has in its headers", async () => {
    const { key, projectId } = await system.project();
    const requestId = `grpc-${randomUUID()}`;
    let header = new Headers();
    const done = await use("RiskService")["transactionAssess"]!(TRANSFER, {
      ...by(key, { "x-request-id": requestId, "idempotency-key": "k" }),
      onHeader: (headers: Headers) => (header = headers),
    });
    expect(header.get("sealbase-call")).toBe(done.id);
    expect(header.get("x-request-id")).toBe(requestId);
    expect(header.get("sealbase-entry")).toMatch(/^index=\d+, size=\d+$/);
    expect(header.get("server-timing")).toMatch(/^request;dur=.*, seal;dur=/);
    const sealed = await sealedEntries(system, projectId);
    expect(sealed.at(-1)).toMatchObject({
      id: done.id,
      action: "risk.transaction.assess",
      outcome: "done",
      refs: { request: requestId },
    });
    const again = await use("RiskService")["transactionAssess"]!(TRANSFER, {
      ...by(key, { "idempotency-key": "k" }),
      onHeader: (headers: Headers) => (header = headers),
    });
    expect([again.id, header.get("idempotency-replayed")]).toEqual([done.id, "true"]);
    await use("RiskService")["transactionAssess"]!(TRANSFER, {
      ...by(key, { prefer: "wait=durable" }),
      onHeader: (headers: Headers) => (header = headers),
    });
    expect(header.has("sealbase-entry")).toBe(false);
  });

  test("is refused with a code, facts and help", async () => {
    const { key, projectId } = await system.project();
    const error = await refusalOf(
      use("RiskService")["transactionAssess"]!(DRAIN, by(key, { "x-request-id": "drain" })),
    );
    const sealed = (await sealedEntries(system, projectId)).at(-1)!;
    expect([error.code, error.rawMessage]).toEqual([
      Code.PermissionDenied,
      expect.stringMatching(/risk/i),
    ]);
    expect(error.metadata.get("sealbase-code")).toBe("score/too_risky");
    expect(error.metadata.get("sealbase-call")).toBe(sealed.id);
    const [info] = error.findDetails(errorInfo);
    expect(info).toMatchObject({ reason: "score/too_risky", domain: "sealbase" });
    const [refusal] = error.findDetails(api["RefusalSchema"] as never);
    expect(refusal).toMatchObject({
      code: "score/too_risky",
      status: 403n,
      requestId: "drain",
      callId: sealed.id,
      facts: { score_max: 0.6 },
      help: expect.stringMatching(/\w+\./),
    });
    expect(sealed).toMatchObject({ kind: "refusal", outcome: "refused" });
  });

  test("follows a stream to its end", async () => {
    const { key } = await system.project();
    const done = await use("RiskService")["transactionAssess"]!(TRANSFER, by(key));
    const items = [];
    const input = { after: "0.0", channels: ["entries"], eventsMax: 1n };
    for await (const item of use("FeedService")["eventWatch"]!(input, by(key))) items.push(item);
    const entries = items.filter(({ channel }) => channel !== "head");
    expect(entries.map(({ id }) => id)).toEqual([done.id]);
  });
});

describe("a refusal", () => {
  const risk = () => clientOf("RiskService", TRANSPORTS[0]![1]());
  const control = () => clientOf("ControlPlaneService", TRANSPORTS[0]![1]());

  test.each<[string, () => Promise<unknown>, Code, string]>([
    [
      "a stranger",
      () => risk()["transactionAssess"]!(TRANSFER),
      Code.Unauthenticated,
      "request/unauthenticated",
    ],
    [
      "a forgotten amount is not zero",
      () =>
        risk()["transactionAssess"]!({ ...TRANSFER, amountCents: undefined }, by(system.home.key)),
      Code.InvalidArgument,
      "request/invalid",
    ],
    [
      "a number that JSON would round",
      () =>
        risk()["transactionAssess"]!(
          { ...TRANSFER, amountCents: 2n ** 53n + 1n },
          by(system.home.key),
        ),
      Code.InvalidArgument,
      "request/invalid",
    ],
    [
      "what is not there",
      () =>
        clientOf("AuthzService", TRANSPORTS[0]![1]())["decisionGet"]!(
          { id: "00000000-0000-7000-8000-000000000000" },
          by(system.home.key),
        ),
      Code.NotFound,
      "action/decision_missing",
    ],
    [
      "a state that has changed",
      () =>
        control()["projectUpdate"]!(
          { id: system.home.projectId, scoreMax: 0.7 },
          by(system.home.key, { "if-match": '"another"' }),
        ),
      Code.FailedPrecondition,
      "action/changed",
    ],
    [
      "a name that is taken",
      async () => {
        await control()["serviceAccountCreate"]!({ name: "twice" }, by(system.home.key));
        await control()["serviceAccountCreate"]!({ name: "twice" }, by(system.home.key));
      },
      Code.AlreadyExists,
      "action/name_taken",
    ],
    [
      "a request id that cannot be a header",
      () => control()["meGet"]!({}, by(system.home.key, { "x-request-id": "with space" })),
      Code.InvalidArgument,
      "request/bad_request_id",
    ],
  ])("%s", async (_, call, code, sealbaseCode) => {
    const error = await refusalOf(call());
    expect([error.code, error.metadata.get("sealbase-code")]).toEqual([code, sealbaseCode]);
  });
});

test("a page of an allowed origin may call over the HTTP port", async () => {
  const health = async () => ({ state: "ok", dependencies: [], reasons: [] }) as const;
  const app = openHttp(system.parts, operations, health, { corsOrigins: ["https://a.example"] });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  const answer = await fetch(`${url}/sealbase.v1.ControlPlaneService/MeGet`, {
    method: "POST",
    headers: {
      origin: "https://a.example",
      authorization: `Bearer ${system.home.key}`,
      "content-type": "application/json",
    },
    body: "{}",
  });
  expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([
    200,
    "https://a.example",
  ]);
  await app.close();
});

test("any JSON goes through a Value and comes back the same: the policies that are read are stored", async () => {
  const { key } = await system.project();
  const authz = clientOf("AuthzService", TRANSPORTS[0]![1]());
  const json = clientOf("AuthzService", TRANSPORTS[4]![1]());
  const { document } = await json["policyGet"]!({}, by(key));
  const before = await authz["policyGet"]!({}, by(key));
  expect(before.document).toEqual(document);
  const rest = (await system.as(key).call("GET", "/v1/policies/default")).body;
  const answer = await fetch(`${http}/sealbase.v1.AuthzService/PolicyVersionCreate`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ set: "default", document: rest.document }),
  });
  expect([answer.status, ((await answer.json()) as { number: string }).number]).toEqual([200, "2"]);
  const after = await authz["policyVersionGet"]!({ set: "default", number: 2n }, by(key));
  expect([after.hash, after.status]).toEqual([rest.hash, "draft"]);
});
