import { z } from "zod";
import { operation } from "#pipeline";
import { readAliasRecords, readSet } from "../alias/queries.ts";
import { alias, aliasRecord, aliasRecordShown } from "../alias/shapes.ts";
import { isAlive } from "../lifetime.ts";
import { aliasMissing, aliasUnresolved } from "../refusals.ts";
import { node } from "../shapes.ts";

/** How many final records before the latest one are shown. */
const BEFORE_MAX = 5;

export const aliasResolve = operation({
  name: "registries.alias.resolve",
  summary: "The node that an alias names: its latest final record, and up to 5 before it.",
  rest: "GET /v1/aliases/resolve",
  kind: "read",
  input: z.strictObject({ alias }),
  output: z.object({
    alias: z.string(),
    node,
    latest: aliasRecord,
    before: z.array(aliasRecord).describe("Final, not older than 365 days, the greatest seq first"),
  }),

  policy: { resource: { type: "Alias", id: ({ input }) => input.alias } },
  score: "none",
  async action({ tx, time_ms, input }) {
    const final = await readAliasRecords(tx, input.alias, { isFinal: true }, BEFORE_MAX + 1);
    const [latest, ...before] = final;
    if (latest === undefined) {
      const set = await readSet(tx, input.alias);
      throw set === undefined
        ? aliasMissing(input.alias)
        : aliasUnresolved(input.alias, "no final record");
    }
    // Not the youngest of those before it: an alias that was left alone lapses, it does not go back.
    if (!isAlive(latest.ts, time_ms)) throw aliasUnresolved(input.alias, "expired");
    const shown = aliasRecordShown(latest);
    return {
      alias: input.alias,
      node: shown.node,
      latest: shown,
      before: before.filter(({ ts }) => isAlive(ts, time_ms)).map(aliasRecordShown),
    };
  },
});
