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
export const mcp = (url: string): Face => ({
  name: "MCP",
  home: "mcp",
  forAgents: true,
  call: (operation, input, caller, requestId) =>
    callTool(url, keyFor(operation, caller), operation, input, requestId),
});

const keyFor = ({ kind }: Operation, { key, agentKey }: Caller): string | undefined =>
  kind === "write" ? agentKey : key;

/** One call of a tool, with exactly this key. */
export async function callTool(
  url: string,
  key: string | undefined,
  { name, kind }: Operation,
  input: object,
  requestId: string,
): Promise<Answer> {
  try {
    const client = await connect(url, key);
    // Having listed the tools, the client checks answers against their schemas.
    await client.listTools();
    const answer = await client.callTool({
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

/** Names of the tools that a key is shown. */
export async function toolsShown(url: string, key: string): Promise<string[]> {
  const { tools } = await (await connect(url, key)).listTools();
  return tools.map(({ name }) => name);
}

async function connect(url: string, key: string | undefined): Promise<Client> {
  const client = new Client(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  );
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const options = { requestInit: { headers } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), options));
  return client;
}

/** The refusal's code, which an error of the protocol or of HTTP carries. */
function codeOf(error: unknown): string {
  if (error instanceof ProtocolError) return (error.data as { code: string }).code;
  if (!(error instanceof SdkHttpError)) throw error;
  return JSON.parse((error.data as { text: string }).text).error.data.code;
}
