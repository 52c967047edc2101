import type { DescMethod, DescService, Message as Proto } from "@bufbuild/protobuf";
import { type CallOptions, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { apiOf, type Rpc, type Service } from "#faces/grpc/api.ts";
import { inputOf, outputOf } from "#faces/grpc/convert.ts";
import type { Operation } from "#pipeline";
import { operations } from "../../src/main.ts";
import type { Generated } from "../grpc.ts";
import type { Answer, Face } from "./face.ts";
import { itemsOf } from "./items.ts";

/** Three protocols by the library's clients, generated from the committed interface. */
export const grpcFaces = (http2: string, http: string, api: Generated): Face[] => [
  grpc("gRPC", createGrpcTransport({ baseUrl: http2 }), api),
  grpc("Connect", createConnectTransport({ baseUrl: http, httpVersion: "1.1" }), api),
  grpc("gRPC-Web", createGrpcWebTransport({ baseUrl: http, httpVersion: "1.1" }), api),
];

const procedures = new Map<Operation, { readonly rpc: Rpc; readonly service: Service }>(
  apiOf(operations).services.flatMap((service) =>
    service.rpcs.map((rpc) => [rpc.operation, { rpc, service }] as const),
  ),
);

type Method = (message: Proto, options: CallOptions) => Promise<Proto> | AsyncIterable<Proto>;

function grpc(name: string, transport: Transport, api: Generated): Face {
  return {
    name,
    home: "grpc",
    async call(operation, input, { key }, requestId) {
      const { rpc, service } = procedures.get(operation)!;
      const described = api[service.name]!;
      const method = methodOf(described, rpc);
      const client = createClient(described, transport) as unknown as Record<string, Method>;
      // What the face does with its own messages, the other way round.
      const message = outputOf(rpc.input, method.input, input);
      const read = (from: Proto) => inputOf(rpc.output, method.output, from);
      let callId: string | undefined;
      const options: CallOptions = {
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          "x-request-id": requestId,
        },
        onHeader: (headers) => (callId = headers.get("sealbase-call") ?? undefined),
      };
      try {
        const answer = client[method.localName]!(message, options);
        if (!(Symbol.asyncIterator in answer)) return { output: read(await answer), callId };
        return { output: (await itemsOf(answer)).map(read), callId };
      } catch (error) {
        return refused(ConnectError.from(error));
      }
    },
  };
}

const methodOf = ({ methods }: DescService, { name }: Rpc): DescMethod =>
  methods.find((method) => method.name === name)!;

function refused(error: ConnectError): Answer {
  const code = error.metadata.get("sealbase-code");
  if (code === null) throw error;
  return { code, callId: error.metadata.get("sealbase-call") ?? undefined };
}
