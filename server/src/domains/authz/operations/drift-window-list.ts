import { z } from "zod";
import { readPoints } from "#domains/risk";
import { listOf, page, readCursor } from "#kernel/page.ts";
import { operation } from "#pipeline";
import { readWindows } from "../drift/queries.ts";
import { driftWindow, windowShown } from "../drift/shapes.ts";

const windows = listOf(driftWindow, ({ day }) => day);

export const driftWindowList = operation({
  name: "authz.drift-window.list",
  summary: "The project's days of decisions, counted, newest first.",
  rest: "GET /v1/drift/windows",
  kind: "read",
  input: z.strictObject(page),
  output: windows.output,
  page: windows,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input: { limit, cursor } }) {
    const rows = await readWindows(tx, limit + 1, readCursor(cursor, z.iso.date()));
    const ids = rows.map(({ id }) => id);
    const points = await readPoints(tx, "drift_window", ids);
    return windows.page(
      rows.map((row) => windowShown(row, points)),
      limit,
    );
  },
});
