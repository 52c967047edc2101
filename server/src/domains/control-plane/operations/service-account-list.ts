import { z } from "zod";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readServiceAccounts } from "../queries.ts";
import { serviceAccount, serviceAccountShown } from "../shapes.ts";

const serviceAccounts = listOf(serviceAccount, ({ id }) => id);

export const serviceAccountList = operation({
  name: "control-plane.service-account.list",
  summary: "The project's service accounts, newest first.",
  rest: "GET /v1/service-accounts",
  kind: "read",
  input: z.strictObject(page),
  output: serviceAccounts.output,
  page: serviceAccounts,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readServiceAccounts(tx, limit + 1, readCursor(cursor, z.uuid()));
    return serviceAccounts.page(rows.map(serviceAccountShown), limit);
  },
});
