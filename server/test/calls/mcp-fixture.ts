import { setTimeout as sleep } from "node:timers/promises";
import type { CallToolResult, GetPromptResult } from "@modelcontextprotocol/server";
import { fastify } from "fastify";
import type { Asking, Catalog } from "#faces/mcp/catalog.ts";
import { serveCatalog } from "#faces/mcp/server.ts";
import { addJsonParser, BODY_BYTES_MAX } from "#faces/rest/json.ts";
import type { TestSystem } from "../system.ts";

/** One red pixel, and a WAVE file without a sample. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";
const STEP_MS = 50;

const text = (words: string) => ({ type: "text" as const, text: words });
const image = { type: "image" as const, data: PNG, mimeType: "image/png" };
const resource = (uri: string, mimeType: string, words: string) => ({
  type: "resource" as const,
  resource: { uri, mimeType, text: words },
});

type Tool = (asking: Asking) => Promise<CallToolResult["content"]> | CallToolResult["content"];

/** What the conformance suite asks for by name; its README and scenarios say what each has to give. */
const TOOLS: Readonly<Record<string, Tool>> = {
  test_simple_text: () => [text("This is a simple text response for testing.")],
  test_image_content: () => [image],
  test_audio_content: () => [{ type: "audio", data: WAV, mimeType: "audio/wav" }],
  test_embedded_resource: () => [
    resource("test://embedded-resource", "text/plain", "This is an embedded resource content."),
  ],
  test_multiple_content_types: () => [
    text("Multiple content types test:"),
    image,
    resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
  ],
  async test_tool_with_logging({ context: { mcpReq } }) {
    for (const data of [
      "Tool execution started",
      "Tool processing data",
      "Tool execution completed",
    ]) {
      await mcpReq.notify({ method: "notifications/message", params: { level: "info", data } });
      await sleep(STEP_MS);
    }
    return [text("done")];
  },
  async test_tool_with_progress({ context: { mcpReq } }) {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined)
        await mcpReq.notify({
          method: "notifications/progress",
          params: { progressToken, progress, total: 100 },
        });
      await sleep(STEP_MS);
    }
    return [text("done")];
  },
  test_error_handling() {
    throw new Error("This tool intentionally returns an error for testing");
  },
  async test_reconnection() {
    await sleep(STEP_MS);
    return [text("done")];
  },
  json_schema_2020_12_tool: () => [text("done")],
};

const SCHEMA_2020 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object" as const,
  $defs: {
    address: {
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: { name: { type: "string" }, address: { $ref: "#/$defs/address" } },
  additionalProperties: false,
};

const RESOURCES: Readonly<Record<string, object>> = {
  "test://static-text": {
    mimeType: "text/plain",
    text: "This is the content of the static text resource.",
  },
  "test://static-binary": { mimeType: "image/png", blob: PNG },
  "test://watched-resource": { mimeType: "text/plain", text: "watched" },
};

type Given = Readonly<Record<string, string>>;
const says = (...content: object[]) =>
  ({ messages: content.map((one) => ({ role: "user", content: one })) }) as GetPromptResult;

const PROMPTS: Readonly<Record<string, readonly [string[], (given: Given) => GetPromptResult]>> = {
  test_simple_prompt: [[], () => says(text("This is a simple prompt for testing."))],
  test_prompt_with_arguments: [
    ["arg1", "arg2"],
    ({ arg1, arg2 }) => says(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  ],
  test_prompt_with_embedded_resource: [
    ["resourceUri"],
    ({ resourceUri = "" }) =>
      says(
        resource(resourceUri, "text/plain", "Embedded resource content for testing."),
        text("Please process the embedded resource above."),
      ),
  ],
  test_prompt_with_image: [[], () => says(image, text("Please analyze the image above."))],
};

const catalog: Catalog = {
  instructions: "",
  tools: async () =>
    Object.keys(TOOLS).map((name) => ({
      name,
      description: name,
      inputSchema: name.startsWith("json_schema") ? SCHEMA_2020 : { type: "object" },
    })),
  async call(name, _, asking) {
    try {
      return { content: await TOOLS[name]!(asking) };
    } catch (error) {
      return { isError: true, content: [text((error as Error).message)] };
    }
  },
  resources: Object.keys(RESOURCES).map((uri) => ({ uri, name: uri })),
  templates: [{ uriTemplate: "test://template/{id}/data", name: "template" }],
  async read(uri) {
    const id = /^test:\/\/template\/(.*)\/data$/.exec(uri)?.[1];
    const words = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
    const found = RESOURCES[uri] ?? { mimeType: "application/json", text: words };
    return { contents: [{ uri, ...found } as { uri: string; text: string }] };
  },
  prompts: Object.entries(PROMPTS).map(([name, [taken]]) => ({
    name,
    description: name,
    arguments: taken.map((field) => ({ name: field, required: true })),
  })),
  prompt: async (name, given) => PROMPTS[name]![1](given),
  more: {
    capabilities: { logging: {}, completions: {}, resources: { subscribe: true } },
    answer(server) {
      server.setRequestHandler("completion/complete", () => ({ completion: { values: [] } }));
      server.setRequestHandler("resources/subscribe", () => ({}));
      server.setRequestHandler("resources/unsubscribe", () => ({}));
    },
  },
};

/** The fixture on a port of its own, by the transport of the product; the suite has no key, so each request gets one. */
export async function openFixture({ parts, home }: TestSystem) {
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, forceCloseConnections: true });
  addJsonParser(app);
  app.addHook("onRequest", async ({ headers }) => {
    headers.authorization ??= `Bearer ${home.key}`;
  });
  serveCatalog(app, parts, { mcpHosts: [], corsOrigins: [] }, async () => catalog);
  const url = `${await app.listen({ host: "127.0.0.1", port: 0 })}/mcp`;
  return { url, close: () => app.close() };
}
