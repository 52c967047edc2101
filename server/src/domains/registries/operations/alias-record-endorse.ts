import { z } from "zod";
import { operation } from "#pipeline";
import {
  insertAliasEndorsement,
  lockAlias,
  readAliasRecordById,
  readFinalSeq,
  readSet,
} from "../alias/queries.ts";
import { endorsementMessage } from "../alias/record.ts";
import { aliasRecord, aliasRecordShown } from "../alias/shapes.ts";
import { bytesOf, hexOf, isSigned } from "../digest.ts";
import { isAlive, lifetimeAt } from "../lifetime.ts";
import {
  aliasRecordMissing,
  aliasRotationConflict,
  aliasSeqReplay,
  aliasSigInvalid,
  aliasTsRefused,
  endorsedAlready,
} from "../refusals.ts";
import { publicKey, signature } from "../shapes.ts";

export const aliasRecordEndorse = operation({
  name: "registries.alias-record.endorse",
  summary: "A maintainer vouches for an alias record; with the second of three it is final.",
  rest: "POST /v1/alias-records/{id}/endorse",
  kind: "write",
  input: z.strictObject({
    id: z.uuid(),
    maintainer: publicKey,
    signature: signature.describe("Of the record's message endorse"),
  }),
  output: aliasRecord,

  policy: { resource: { type: "AliasRecord", id: ({ input }) => input.id } },
  score: "none",
  async action({ id: callId, tx, time_ms, principal: { tenantId }, input }) {
    const { id, maintainer } = input;
    const found = await readAliasRecordById(tx, id);
    if (found === undefined) throw aliasRecordMissing(id);
    const { alias, seq, ts, number } = found;
    await lockAlias(tx, tenantId, alias);
    const current = await readSet(tx, alias);
    if (number !== current!.number) throw aliasRotationConflict(alias, number, current!.number);
    if (!found.maintainers.some((key) => hexOf(key) === maintainer))
      throw aliasSigInvalid(alias, `${maintainer} is no current maintainer`);
    const key = bytesOf(maintainer);
    const given = bytesOf(input.signature);
    if (!isSigned(key, endorsementMessage(found, found.record), given))
      throw aliasSigInvalid(alias, `the signature of ${maintainer} is of something else`);
    const { earliest, latest } = lifetimeAt(time_ms);
    if (!isAlive(ts, time_ms)) throw aliasTsRefused(alias, ts, earliest, latest);
    const highest = (await readFinalSeq(tx, alias)) ?? -1;
    if (seq < highest) throw aliasSeqReplay(alias, seq, highest);
    const endorsement = { about: id, by: key, signature: given, callId };
    const createdAt = new Date(time_ms);
    if (!(await insertAliasEndorsement(tx, tenantId, { ...endorsement, createdAt })))
      throw endorsedAlready(id, maintainer);
    return aliasRecordShown((await readAliasRecordById(tx, id))!);
  },
  subject: ({ id }) => ({ type: "alias_record", id }),
});
