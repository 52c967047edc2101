import {
  create,
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  toBinary,
} from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import {
  type ClientDuplexStream,
  credentials,
  Client as GrpcClient,
  Metadata,
  status,
} from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { GrpcPort } from "#faces/grpc/port.ts";
import { healthOfTest, openGrpc } from "../grpc.ts";
import { openTestSystem, type TestSystem } from "../system.ts";

// biome-ignore lint/suspicious/noExplicitAny: known at run time only
type Loose = any;

const health = healthOfTest();
let system: TestSystem;
let port: GrpcPort;
let client: GrpcClient;

beforeAll(async () => {
  system = await openTestSystem();
  port = await openGrpc(system, { health: health.read });
  client = new GrpcClient(port.url.replace("grpc://", ""), credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await port.close();
  await system.stop();
});

/** As grpcurl works: a question at a time over one stream, the messages by the public file. */
async function ask(version: string, ...questions: object[]): Promise<Loose[]> {
  const { registry } = (await import("#faces/grpc/reflection.ts")).reflection(version as "v1");
  const at = `grpc.reflection.${version}`;
  const [request, response] = ["Request", "Response"].map(
    (kind) => registry.getMessage(`${at}.ServerReflection${kind}`)!,
  );
  const call = client.makeBidiStreamRequest(
    `/${at}.ServerReflection/ServerReflectionInfo`,
    (message: Loose) => Buffer.from(toBinary(request!, create(request!, message))),
    (bytes) => fromBinary(response!, bytes) as Loose,
  ) as ClientDuplexStream<Loose, Loose>;
  const answers: Loose[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    call
      .on("data", (one) => answers.push(one.choice))
      .on("end", resolve)
      .on("error", reject);
  });
  for (const choice of questions) call.write({ host: "h", choice });
  call.end();
  await ended;
  return answers;
}

async function registryOf(symbol: string): Promise<FileRegistry> {
  const [found] = await ask("v1", { case: "fileContainingSymbol", value: symbol });
  const file = found.value.fileDescriptorProto
    .map((bytes: Uint8Array) => fromBinary(FileDescriptorProtoSchema, bytes))
    // A set is read in order: what is imported first.
    .toSorted(
      (a: FileDescriptorProto, b: FileDescriptorProto) => a.dependency.length - b.dependency.length,
    );
  return createFileRegistry(create(FileDescriptorSetSchema, { file }));
}

interface Answered {
  readonly message: Loose;
  readonly header: Metadata;
}

function callOf(
  registry: FileRegistry,
  path: string,
  input: object,
  metadata = new Metadata(),
): Promise<Answered> {
  const [, service, name] = path.split("/");
  const method = registry.getService(service!)!.methods.find((one) => one.name === name)!;
  return new Promise((resolve, reject) => {
    let header = new Metadata();
    client
      .makeUnaryRequest(
        path,
        encoderOf(method.input),
        decoderOf(method.output),
        input,
        metadata,
        (error, message) => (error ? reject(error) : resolve({ message, header })),
      )
      .on("metadata", (found) => (header = found));
  });
}

const encoderOf = (desc: DescMessage) => (message: Loose) =>
  Buffer.from(toBinary(desc, create(desc, message)));
const decoderOf = (desc: DescMessage) => (bytes: Buffer) => fromBinary(desc, bytes) as Loose;

function signedIn(more: Record<string, string> = {}): Metadata {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${system.home.key}`);
  for (const [name, value] of Object.entries(more)) metadata.set(name, value);
  return metadata;
}

describe.each(["v1", "v1alpha"])("reflection %s", (version) => {
  test("lists every service", async () => {
    const [list] = await ask(version, { case: "listServices", value: "" });
    expect(list.value.service.map(({ name }: Loose) => name)).toEqual(
      expect.arrayContaining([
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "sealbase.v1.ControlPlaneService",
        "sealbase.v1.FeedService",
      ]),
    );
  });

  test("gives a file by its name or by anything in it, with what it imports", async () => {
    const answers = await ask(
      version,
      { case: "fileByFilename", value: "sealbase/v1/api.proto" },
      { case: "fileContainingSymbol", value: "sealbase.v1.ControlPlaneService" },
      { case: "fileContainingSymbol", value: "sealbase.v1.ControlPlaneService.MeGet" },
      { case: "fileContainingSymbol", value: "sealbase.v1.MeGetResponse.Project" },
      { case: "fileContainingSymbol", value: "grpc.health.v1.HealthCheckResponse.ServingStatus" },
    );
    const names = answers.map(({ value }) =>
      value.fileDescriptorProto.map(
        (bytes: Uint8Array) => fromBinary(FileDescriptorProtoSchema, bytes).name,
      ),
    );
    const api = ["sealbase/v1/api.proto", "google/protobuf/struct.proto"];
    expect(names).toEqual([api, api, api, api, ["grpc/health/v1/health.proto"]]);
  });

  test("says what is not here", async () => {
    const answers = await ask(
      version,
      { case: "fileByFilename", value: "nowhere.proto" },
      { case: "fileContainingSymbol", value: "no.Body" },
      { case: "fileContainingExtension", value: { containingType: "a.B", extensionNumber: 1 } },
      { case: "allExtensionNumbersOfType", value: "a.B" },
    );
    expect(answers.map((one) => [one.case, one.value.errorCode])).toEqual(
      answers.map(() => ["errorResponse", status.NOT_FOUND]),
    );
    expect(answers).toHaveLength(4);
  });
});

describe("a client that knows nothing but the address", () => {
  test("calls", async () => {
    const registry = await registryOf("sealbase.v1.ControlPlaneService");
    const { message, header } = await callOf(
      registry,
      "/sealbase.v1.ControlPlaneService/MeGet",
      {},
      signedIn({ "x-request-id": "from-reflection" }),
    );
    expect(message.project.id).toBe(system.home.projectId);
    expect(header.get("x-request-id")).toEqual(["from-reflection"]);
  });

  test("is refused with a status and a trailer", async () => {
    const registry = await registryOf("sealbase.v1.ControlPlaneService");
    const error = await callOf(registry, "/sealbase.v1.ControlPlaneService/MeGet", {}).catch(
      (found: Loose) => found,
    );
    expect([error.code, error.metadata.get("sealbase-code")]).toEqual([
      status.UNAUTHENTICATED,
      ["request/unauthenticated"],
    ]);
    expect(error.metadata.get("grpc-status-details-bin")).toHaveLength(1);
  });

  test("follows a stream, and leaves it", async () => {
    const registry = await registryOf("sealbase.v1.FeedService");
    const [method] = registry.getService("sealbase.v1.FeedService")!.methods;
    const call = client.makeServerStreamRequest(
      "/sealbase.v1.FeedService/EventWatch",
      encoderOf(method!.input),
      decoderOf(method!.output),
      { after: "0.0" },
      signedIn(),
    );
    const items: Loose[] = [];
    const ended = new Promise<Loose>((resolve) => call.on("error", resolve));
    call.on("data", (item) => items.push(item));
    const done = await system.home.call("POST", "/v1/risk/transactions", {
      type: "PAYMENT",
      amount_cents: 1,
      origin_account: "A",
      destination_account: "B",
    });
    await vi.waitFor(() => expect(items.map(({ id }) => id)).toContain(done.body.id), 10_000);
    call.cancel();
    expect((await ended).code).toBe(status.CANCELLED);
  });
});

describe("health", () => {
  const check = async (service: string) =>
    callOf(await registryOf("grpc.health.v1.Health"), "/grpc.health.v1.Health/Check", { service });

  test.each(["", "sealbase.v1.RiskService"])("of %j is asked", async (service) => {
    health.state = "ok";
    expect((await check(service)).message.status).toBe(1);
  });

  test("of a stranger's service is not known", async () => {
    await expect(check("no.Body")).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  test("is watched: every change, and a service that is not there", async () => {
    const registry = await registryOf("grpc.health.v1.Health");
    const watch = registry.getService("grpc.health.v1.Health")!.methods[1]!;
    const seen: Record<string, number[]> = { "": [], "no.Body": [] };
    const calls = Object.entries(seen).map(([service, statuses]) => {
      const call = client.makeServerStreamRequest(
        "/grpc.health.v1.Health/Watch",
        encoderOf(watch.input),
        decoderOf(watch.output),
        { service },
      );
      call.on("data", (one: Loose) => statuses.push(one.status)).on("error", () => undefined);
      return call;
    });
    health.state = "degraded";
    await vi.waitFor(() => expect(seen).toEqual({ "": [1], "no.Body": [3] }), 5_000);
    health.state = "down";
    await vi.waitFor(() => expect(seen[""]).toEqual([1, 2]), 5_000);
    health.state = "ok";
    await vi.waitFor(() => expect(seen[""]).toEqual([1, 2, 1]), 5_000);
    for (const call of calls) call.cancel();
  });
});
