import { fromJson, toBinary } from "@bufbuild/protobuf";
import { describedOf } from "../../server/src/faces/grpc/descriptors.ts";
import { toolNameOf } from "../../server/src/faces/mcp/names.ts";
import type { System } from "../../server/src/faces/system.ts";
import { paymentOf } from "./payment.ts";
import type { Project } from "./scratch.ts";

/** The two calls that faces are compared by: a project's own row is read; a payment is written and on disk. */
export const KINDS = ["read", "write"] as const;
export type Kind = (typeof KINDS)[number];
export const OPERATIONS = {
  read: "control-plane.project.get",
  write: "risk.transaction.assess",
} as const;

/** A request of HTTP/1.1, with the bodies that take turns. */
export interface Request {
  readonly line: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodies: readonly string[];
  readonly expected: { readonly start: string; readonly part: string };
}

export interface GrpcRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Framed, in base64. */
  readonly messages: readonly string[];
}

const PAYMENTS = Array.from({ length: 64 }, (_, n) => paymentOf(n));

type ByKind<T> = Readonly<Record<Kind, T>>;

const headersOf = ({ key }: Project) => ({
  authorization: `Bearer ${key}`,
  prefer: "wait=durable",
});
const json = (project: Project) => ({ ...headersOf(project), "content-type": "application/json" });

export function restRequests(project: Project, prefix = "/v1"): ByKind<Request> {
  return {
    read: {
      line: `GET ${prefix}/projects/${project.id}`,
      headers: headersOf(project),
      bodies: [""],
      expected: { start: "HTTP/1.1 200 ", part: project.id },
    },
    write: {
      line: `POST ${prefix}/risk/transactions`,
      headers: json(project),
      bodies: PAYMENTS.map((payment) => JSON.stringify(payment)),
      expected: { start: "HTTP/1.1 201 ", part: '"level"' },
    },
  };
}

/** All fields of the output, as the other faces give them. */
export function graphqlRequests(project: Project): ByKind<Request> {
  const post = (query: string, variables: readonly object[], part: string): Request => ({
    line: "POST /graphql",
    headers: { ...json(project), accept: "application/graphql-response+json" },
    bodies: variables.map((values) => JSON.stringify({ query, variables: values })),
    expected: { start: "HTTP/1.1 200 ", part },
  });
  return {
    read: post(
      "query ($id: ID!) { controlPlaneProjectGet(id: $id) { id name slug score_max created_at } }",
      [{ id: project.id }],
      `{"controlPlaneProjectGet":{"id":"${project.id}"`,
    ),
    write: post(
      "mutation ($input: RiskTransactionAssessInput!) { riskTransactionAssess(input: $input) { id score level reasons features } }",
      PAYMENTS.map((input) => ({ input })),
      '{"riskTransactionAssess":{"id":',
    ),
  };
}

const PATHS = {
  read: "/sealbase.v1.ControlPlaneService/ProjectGet",
  write: "/sealbase.v1.RiskService/TransactionAssess",
} as const;

export function connectRequests(project: Project): ByKind<Request> {
  const post = (kind: Kind, inputs: readonly object[], part: string): Request => ({
    line: `POST ${PATHS[kind]}`,
    headers: json(project),
    bodies: inputs.map((input) => JSON.stringify(input)),
    expected: { start: "HTTP/1.1 200 ", part },
  });
  return {
    read: post("read", [{ id: project.id }], project.id),
    write: post("write", PAYMENTS, '"level"'),
  };
}

/** Reads by the project's key, writes by an agent session's: MCP takes no others. */
export function mcpRequests(project: Project, agent: Project): ByKind<Request> {
  const post = (kind: Kind, by: Project, inputs: readonly object[], part: string): Request => ({
    line: "POST /mcp",
    headers: {
      ...json(by),
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2025-11-25",
    },
    bodies: inputs.map((input, id) =>
      JSON.stringify({
        jsonrpc: "2.0",
        id,
        method: "tools/call",
        params: { name: toolNameOf(OPERATIONS[kind]), arguments: input },
      }),
    ),
    expected: { start: "HTTP/1.1 200 ", part: `"structuredContent":{${part}` },
  });
  return {
    read: post("read", project, [{ id: project.id }], `"id":"${project.id}"`),
    write: post("write", agent, PAYMENTS, '"id":'),
  };
}

export function grpcRequests(project: Project, { operations }: System): ByKind<GrpcRequest> {
  const { registry } = describedOf(operations);
  const post = (kind: Kind, inputs: readonly object[]): GrpcRequest => {
    const [, service, name] = PATHS[kind].split("/");
    const method = registry.getService(service!)!.methods.find((found) => found.name === name)!;
    return {
      path: PATHS[kind],
      headers: headersOf(project),
      messages: inputs.map((input) => {
        const message = fromJson(method.input, input as never, { registry });
        return framed(toBinary(method.input, message)).toString("base64");
      }),
    };
  };
  return { read: post("read", [{ id: project.id }]), write: post("write", PAYMENTS) };
}

/** Not compressed, and its length. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
