import { z } from "zod";
import { logVerifierKeys } from "#domains/security";
import { operation } from "#pipeline";
import { readRollovers } from "../keys/queries.ts";
import { readHead } from "../queries.ts";
import { endorsementOf } from "../receipt.ts";

export const keyList = operation({
  name: "ledger.key.list",
  summary:
    "The keys of the project's log, each with the receipt by which the key before it names it.",
  rest: "GET /v1/ledger/keys",
  kind: "read",
  input: z.strictObject({}),
  output: z.object({
    log: z.string(),
    keys: z.array(
      z.object({
        key: z.string().describe("c2sp.org/signed-note verifier key"),
        current: z.boolean(),
        endorsement: z
          .string()
          .nullable()
          .describe(
            "c2sp.org/tlog-proof@v1 of the entry that names this key, under a checkpoint of the key before; null for the first, and until that is published",
          ),
      }),
    ),
  }),

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, ports }) {
    const { origin } = (await readHead(tx))!;
    const [first, ...later] = (await logVerifierKeys(tx, origin)).reverse();
    const rollovers = new Map((await readRollovers(tx)).map((row) => [row.nextKey, row]));
    const keys = [{ key: first!, current: later.length === 0, endorsement: null as string | null }];
    for (const [i, key] of later.entries()) {
      const rollover = rollovers.get(key);
      const endorsement =
        rollover === undefined ? null : await endorsementOf(tx, ports.ledger, rollover);
      keys.push({ key, current: i === later.length - 1, endorsement });
    }
    return { log: origin, keys };
  },
});
