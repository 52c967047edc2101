import type { GrpcPort } from "#faces/grpc/port.ts";
import { generateClient, openGrpc } from "../grpc.ts";
import { openTestSystem, type TestSystem } from "../system.ts";
import { cli } from "./cli.ts";
import { sdk } from "./client.ts";
import { type Ground, openGround } from "./examine.ts";
import type { Face } from "./face.ts";
import { graphql } from "./graphql.ts";
import { grpcFaces } from "./grpc.ts";
import { mcp } from "./mcp.ts";
import { realtime } from "./realtime.ts";
import { rest } from "./rest.ts";

/** A system that listens, and every way to call it. */
export interface Faces {
  readonly system: TestSystem;
  readonly ground: Ground;
  readonly url: string;
  /** What the others are compared with. */
  readonly rest: Face;
  readonly others: readonly Face[];
  close(): Promise<void>;
}

export async function openFaces(): Promise<Faces> {
  const { api, remove } = await generateClient();
  const system = await openTestSystem();
  const port: GrpcPort = await openGrpc(system);
  const url = await system.app.listen({ host: "127.0.0.1", port: 0 });
  const http2 = port.url.replace("grpc:", "http:");
  return {
    system,
    ground: await openGround(system),
    url,
    rest: rest(url),
    others: [
      graphql(url),
      ...grpcFaces(http2, url, api),
      mcp(url),
      sdk(url),
      cli(system),
      realtime(url),
    ],
    async close() {
      remove();
      await port.close();
      await system.stop();
    },
  };
}
