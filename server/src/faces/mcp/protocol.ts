import {
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { newId } from "#kernel/ids.ts";
import type { Log } from "#kernel/log.ts";
import { version } from "#kernel/package-root.ts";
import type { Refusal } from "#kernel/refusal.ts";
import { cancelled } from "#pipeline";
import { refusalFor } from "../invoke.ts";
import type { Asking, Caller, Catalog } from "./catalog.ts";
import { optionsOf } from "./meta.ts";
import { refusalShown } from "./result.ts";

/** The server that one HTTP request or one stdio connection talks to: a catalog, as one caller sees it. */
export function serverOf(catalog: Catalog, caller: Caller, log: Log): McpServer {
  const served = new McpServer(
    { name: "sealbase", title: "Sealbase", version },
    {
      capabilities: { tools: {}, resources: {}, prompts: {}, ...catalog.more?.capabilities },
      instructions: catalog.instructions,
    },
  );
  // Its own registry of tools is for those that are written by hand; ours are drawn, and differ from caller to caller.
  const { server } = served;
  const answer = <Result>(
    context: ServerContext,
    work: (asking: Asking) => Result | Promise<Result>,
  ): Promise<Result> => answering(caller, context, log, work);
  server.setRequestHandler("tools/list", (_, context) =>
    answer(context, async (asking) => ({ tools: await catalog.tools(asking) })),
  );
  server.setRequestHandler("tools/call", ({ params }, context) =>
    answer(context, (asking) => catalog.call(params.name, params.arguments ?? {}, asking)),
  );
  server.setRequestHandler("resources/list", (_, context) =>
    answer(context, () => ({ resources: catalog.resources })),
  );
  server.setRequestHandler("resources/templates/list", (_, context) =>
    answer(context, () => ({ resourceTemplates: catalog.templates })),
  );
  server.setRequestHandler("resources/read", ({ params }, context) =>
    answer(context, (asking) => catalog.read(params.uri, asking)),
  );
  server.setRequestHandler("prompts/list", (_, context) =>
    answer(context, () => ({ prompts: catalog.prompts })),
  );
  server.setRequestHandler("prompts/get", ({ params }, context) =>
    answer(context, () => catalog.prompt(params.name, params.arguments ?? {})),
  );
  catalog.more?.answer(server);
  return served;
}

async function answering<Result>(
  caller: Caller,
  context: ServerContext,
  log: Log,
  work: (asking: Asking) => Result | Promise<Result>,
): Promise<Result> {
  let requestId = newId();
  const left = new AbortController();
  const leave = () => left.abort(cancelled());
  context.mcpReq.signal.addEventListener("abort", leave, { once: true });
  try {
    const options = optionsOf(context.mcpReq._meta);
    requestId = options.requestId ?? requestId;
    const { idempotencyKey } = options;
    return await work({ ...caller, requestId, idempotencyKey, signal: left.signal, context });
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw protocolError(refusalFor(error, log, requestId), requestId);
  } finally {
    context.mcpReq.signal.removeEventListener("abort", leave);
  }
}

/** A refusal where the protocol has no result for one. */
function protocolError(refusal: Refusal, requestId: string): ProtocolError {
  const { status, message } = refusal;
  return new ProtocolError(codeOf(status), message, refusalShown(refusal, requestId));
}

const SERVER_ERROR = 500;
/** In the range that JSON-RPC leaves to servers: refused by the policies or for want of a key. */
const REFUSED = -32_000;

const codeOf = (status: number): number => {
  if (status >= SERVER_ERROR) return ProtocolErrorCode.InternalError;
  return status === 400 || status === 404 ? ProtocolErrorCode.InvalidParams : REFUSED;
};
