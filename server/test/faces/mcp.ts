import {
  Client,
  ProtocolError,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from "@modelcontextprotocol/client";
import { toolNameOf } from "#faces/mcp/names.ts";
import type { Operation } from "#pipeline";
import type { Answer, Caller, Face } from "./face.ts";

/** MCP by its own client, over Streamable HTTP. Keys only read there, so that writes come from agent sessions. */
export function mcp(url: string): Face {
  const clients = new Map<string | undefined, Promise<Client>>();
  return {
    name: "MCP",
    home: "mcp",
    forAgents: true,
    call(operation, input, caller, requestId) {
      const key = keyFor(operation, caller);
      let client = clients.get(key);
      if (client === undefined) clients.set(key, (client = connect(url, key)));
      return callTool(client, operation, input, requestId);
    },
  };
}

const keyFor = ({ kind }: Operation, { key, agentKey }: Caller): string | undefined =>
  kind === "write" ? agentKey : key;

/** One call of a tool, by a client that connects. */
export async function callTool(
  client: Promise<Client>,
  { name, kind }: Operation,
  input: object,
  requestId: string,
): Promise<Answer> {
  try {
    const answer = await (await client).callTool({
      name: toolNameOf(name),
      arguments: { ...input },
      _meta: { "sealbase/request_id": requestId },
    });
    const told = answer._meta?.["sealbase/call"] as string | undefined;
    const given = answer.structuredContent as { code: string; items: unknown };
    if (answer.isError === true) return { code: given.code, callId: told };
    return { output: kind === "stream" ? given.items : given, callId: told };
  } catch (error) {
    return { code: codeOf(error), callId: undefined };
  }
}

/** A client that knows the tools which the key is shown, and checks answers against their schemas. */
export async function connect(url: string, key: string | undefined): Promise<Client> {
  const client = new Client(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const options = { requestInit: { headers } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), options));
  await client.listTools();
  return client;
}

/** The refusal's code, which an error of the protocol or of HTTP carries. */
function codeOf(error: unknown): string {
  if (error instanceof ProtocolError) return (error.data as { code: string }).code;
  if (!(error instanceof SdkHttpError)) throw error;
  return JSON.parse((error.data as { text?: string }).text!).error.data.code;
}
