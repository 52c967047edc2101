import { z } from "zod";
import { cursorOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readServiceAccounts } from "../queries.ts";
import { serviceAccount, serviceAccountShown } from "../shapes.ts";

export const serviceAccountList = operation({
  name: "control-plane.service-account.list",
  summary: "The project's service accounts, newest first.",
  rest: "GET /v1/service-accounts",
  kind: "read",
  input: z.strictObject(page),
  output: z.object({ items: z.array(serviceAccount), next_cursor: z.string().nullable() }),

  policy: { resource: ({ principal }) => ({ type: "Project", id: principal.tenantId }) },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readServiceAccounts(tx, limit + 1, readCursor(cursor, z.uuid()));
    return {
      items: rows.slice(0, limit).map(serviceAccountShown),
      next_cursor: cursorOf(rows, limit, (row) => row.id),
    };
  },
});
