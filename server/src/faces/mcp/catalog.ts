import type {
  CallToolResult,
  GetPromptResult,
  ListPromptsResult,
  ListResourcesResult,
  ListResourceTemplatesResult,
  ListToolsResult,
  McpServer,
  ReadResourceResult,
  ServerCapabilities,
  ServerContext,
} from "@modelcontextprotocol/server";
import type { Options } from "./meta.ts";

/** Who sends requests, and from where. */
export interface Caller {
  readonly credential: string | undefined;
  readonly address: string | undefined;
}

/** One request, and who sends it. */
export interface Asking extends Caller {
  /** The caller's own, or a new one. */
  readonly requestId: string;
  readonly idempotencyKey: Options["idempotencyKey"];
  /** Aborts with a refusal when the caller has left or does not want it any more. */
  readonly signal: AbortSignal;
  readonly context: ServerContext;
}

/** What is offered over MCP. It throws refusals, which become JSON-RPC errors. */
export interface Catalog {
  readonly instructions: string;
  tools(asking: Asking): Promise<ListToolsResult["tools"]>;
  call(name: string, input: unknown, asking: Asking): Promise<CallToolResult>;
  readonly resources: ListResourcesResult["resources"];
  readonly templates: ListResourceTemplatesResult["resourceTemplates"];
  read(uri: string, asking: Asking): Promise<ReadResourceResult>;
  readonly prompts: ListPromptsResult["prompts"];
  prompt(name: string, input: Readonly<Record<string, string>>): Promise<GetPromptResult>;
  /** What is offered beyond tools, resources and prompts, and who answers it. */
  readonly more?: {
    readonly capabilities: ServerCapabilities;
    answer(server: McpServer["server"]): void;
  };
}
