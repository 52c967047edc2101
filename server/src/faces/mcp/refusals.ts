import { Refusal } from "#kernel/refusal.ts";

export const foreignHost = (host: string) =>
  new Refusal(
    "request/foreign_host",
    403,
    "The MCP face does not answer under this Host",
    { host: host.slice(0, 200) },
    "Connect by a loopback name or the server's address, or list the name in SEALBASE_MCP_HOSTS.",
  );

export const foreignOrigin = (origin: string) =>
  new Refusal(
    "request/foreign_origin",
    403,
    "Pages of this Origin may not use the MCP face",
    { origin: origin.slice(0, 200) },
    "Call from outside of a browser, or list the origin in SEALBASE_CORS_ORIGINS.",
  );

export const tooManyRequests = (inProject: number) =>
  new Refusal(
    "request/too_many_requests",
    503,
    "Too many MCP requests are under way",
    { requests_of_project: inProject },
    "Wait a second and send the request again, or to another server.",
  );

export const packedBody = (encoding: string) =>
  new Refusal(
    "request/mcp_encoding",
    415,
    "Compressed bodies are not read",
    { content_encoding: encoding.slice(0, 100) },
    "Send the body without Content-Encoding.",
  );

export const mcpBatch = () =>
  new Refusal(
    "request/mcp_batch",
    400,
    "Arrays of JSON-RPC messages are not taken",
    {},
    "Send one message a request: MCP has had no batches since 2025-06-18.",
  );

export const tooLongLine = (bytesMax: number) =>
  new Refusal(
    "request/mcp_line_too_long",
    413,
    "A message is longer than a line may be",
    { bytes_max: bytesMax },
    "Send shorter messages.",
  );

export const tooDeepLine = (depthMax: number) =>
  new Refusal(
    "request/mcp_line_too_deep",
    400,
    "A message is nested too deep",
    { depth_max: depthMax },
    "Send a flatter message.",
  );

export const unknownTool = (tool: string) =>
  new Refusal(
    "request/unknown_tool",
    404,
    "There is no tool of this name",
    { tool: tool.slice(0, 200) },
    "Use the names that tools/list gives.",
  );

export const unknownPrompt = (prompt: string) =>
  new Refusal(
    "request/unknown_prompt",
    404,
    "There is no prompt of this name",
    { prompt: prompt.slice(0, 200) },
    "Use the names that prompts/list gives.",
  );

export const badPromptArgument = (argument: string, expected: string) =>
  new Refusal(
    "request/bad_prompt_argument",
    400,
    `The prompt's argument ${argument} must be ${expected}`,
    { argument: argument.slice(0, 200), expected },
    "Give the arguments that prompts/list names.",
  );

export const unknownResource = (uri: string) =>
  new Refusal(
    "request/unknown_resource",
    404,
    "There is no resource at this URI",
    { uri: uri.slice(0, 500) },
    "Use what resources/list and resources/templates/list give.",
  );

export const unknownOption = (option: string) =>
  new Refusal(
    "request/unknown_option",
    400,
    "The request's _meta has an option that Sealbase does not know, or not of this type",
    { option: option.slice(0, 200), options: ["sealbase/request_id", "sealbase/idempotency_key"] },
    "Give the options of `options`, as text.",
  );

export const outOfBounds = (field: string, max: number) =>
  new Refusal(
    "request/out_of_bounds",
    400,
    `${field} must be a whole number from 1 to ${max}`,
    { field, max },
    "Ask for less, and go on from `next` with another call.",
  );

export const agentSessionNeeded = (operation: string) =>
  new Refusal(
    "request/agent_session_needed",
    403,
    "Over MCP an API key only reads; what changes something needs the key of an agent session",
    { operation },
    "Make a session whose `writes` names the operation, POST /v1/agent-sessions, and connect with its key.",
  );
