import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readKeys } from "../queries.ts";
import { apiKey, apiKeyShown } from "../shapes.ts";

const apiKeys = listOf(apiKey, ({ id }) => id);

export const apiKeyList = operation({
  name: "control-plane.api-key.list",
  summary: "The project's API keys without their secrets, newest first.",
  rest: "GET /v1/api-keys",
  kind: "read",
  input: z.strictObject(page),
  output: apiKeys.output,
  page: apiKeys,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readKeys(tx, limit + 1, readCursor(cursor, z.uuid()));
    return apiKeys.page(rows.map(apiKeyShown), limit);
  },
});
