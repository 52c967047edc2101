import { z } from "zod";
import { operation } from "#pipeline";
import { insertSet, lockAlias, readSet } from "../alias/queries.ts";
import { alias, maintainerSet, maintainers, minSigners, setShown } from "../alias/shapes.ts";
import { bytesOf } from "../digest.ts";
import { aliasTaken } from "../refusals.ts";

export const aliasBegin = operation({
  name: "registries.alias.begin",
  summary: "Begins an alias with its three maintainers; from then on only they hand it over.",
  rest: "POST /v1/aliases",
  kind: "write",
  status: 201,
  input: z.strictObject({ alias, maintainers, min_signers: minSigners }),
  output: maintainerSet,

  policy: { resource: { type: "Alias", id: ({ input }) => input.alias } },
  score: "none",
  async action({ id, tx, time_ms, principal: { tenantId }, input }) {
    await lockAlias(tx, tenantId, input.alias);
    const current = await readSet(tx, input.alias);
    if (current !== undefined) throw aliasTaken(input.alias, current.number);
    const set = {
      id,
      alias: input.alias,
      number: 1,
      maintainers: input.maintainers.map(bytesOf),
      minSigners: input.min_signers,
      rotationSigners: [],
      rotationSignatures: [],
      createdAt: new Date(time_ms),
    };
    await insertSet(tx, tenantId, set);
    return setShown(set);
  },
});
