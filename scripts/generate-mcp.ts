import { prompts } from "../server/src/faces/mcp/prompts.ts";
import { readables, resourcesOf, templatesOf } from "../server/src/faces/mcp/resources.ts";
import { toolsOf } from "../server/src/faces/mcp/sealbase.ts";
import type { Operation } from "../server/src/pipeline/index.ts";

/** `contract/mcp-tools.json`: every tool, whoever is shown it; resources and prompts. */
export function renderMcp(operations: readonly Operation[]): string {
  const read = readables(operations);
  const document = {
    tools: [...toolsOf(operations).values()].map(({ tool }) => tool),
    resources: resourcesOf(read),
    resourceTemplates: templatesOf(read),
    prompts,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
