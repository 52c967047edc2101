import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { compressionGzip } from "@connectrpc/connect-node";
import type { Operation, Parts } from "#pipeline";
import { PACKAGE } from "./api.ts";
import { type Described, describedOf } from "./descriptors.ts";
import { serverStreaming, unary } from "./handle.ts";
import { addHealth } from "./health.ts";
import { COMPRESS_BYTES_MIN, DEADLINE_MS_MAX, MESSAGE_BYTES_MAX } from "./limits.ts";
import { addMethod } from "./method.ts";
import { addReflection } from "./reflection.ts";
import type { Source } from "./source.ts";

export interface Routes {
  readonly byPath: ReadonlyMap<string, UniversalHandler>;
  readonly operations: ReadonlyMap<string, Operation>;
  readonly described: Described;
  readonly parts: Parts;
  readonly stopping: AbortSignal;
}

/** Every procedure by its path. gRPC itself needs HTTP/2; gRPC-Web and Connect go over both. */
export function routesOf(source: Source, { grpc }: { readonly grpc: boolean }): Routes {
  const { parts, operations, stopping } = source;
  const described = describedOf(operations);
  const router = createConnectRouter({
    grpc,
    readMaxBytes: MESSAGE_BYTES_MAX,
    compressMinBytes: COMPRESS_BYTES_MIN,
    acceptCompression: [compressionGzip],
    maxTimeoutMs: DEADLINE_MS_MAX,
    // Names as in every other face; a field that nobody knows is refused, not lost.
    jsonOptions: { useProtoFieldName: true, alwaysEmitImplicit: true, ignoreUnknownFields: false },
  });
  const byOperation = new Map<string, Operation>();
  for (const service of described.api.services) {
    const methods = described.registry.getService(`${PACKAGE}.${service.name}`)!.methods;
    for (const rpc of service.rpcs) {
      const method = methods.find(({ name }) => name === rpc.name)!;
      const answering = { parts, rpc, method, detail: described.refusal, stopping };
      const stream = rpc.operation.kind === "stream";
      addMethod(router, method, stream ? serverStreaming(answering) : unary(answering));
      byOperation.set(`/${PACKAGE}.${service.name}/${rpc.name}`, rpc.operation);
    }
  }
  if (grpc) {
    addHealth(router, described, source);
    addReflection(router, described);
  }
  const byPath = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return { byPath, operations: byOperation, described, parts, stopping };
}
