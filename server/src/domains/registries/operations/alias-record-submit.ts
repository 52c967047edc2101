import { z } from "zod";
import { operation } from "#pipeline";
import {
  hasAliasSeq,
  insertAliasRecord,
  lockAlias,
  readAliasRecordById,
  readFinalSeq,
  readSet,
} from "../alias/queries.ts";
import { readAliasRecord, recordMessage } from "../alias/record.ts";
import { aliasRecord, aliasRecordShown } from "../alias/shapes.ts";
import { bytesOf, isSigned, nodeOf } from "../digest.ts";
import { lifetimeAt } from "../lifetime.ts";
import { aliasMissing, aliasSeqReplay, aliasSigInvalid, aliasTsRefused } from "../refusals.ts";
import { publicKey, record } from "../shapes.ts";

export const aliasRecordSubmit = operation({
  name: "registries.alias-record.submit",
  summary:
    "Submits a record, signed by the node that it names; two of three maintainers make it final.",
  rest: "POST /v1/alias-records",
  kind: "write",
  status: 201,
  input: z.strictObject({
    record: record.describe("Deterministic CBOR of {alias, node, seq, sig, ts}, in hex"),
    public_key: publicKey.describe("The node's: its SHA-256 begins with node"),
  }),
  output: aliasRecord,

  policy: { resource: { type: "Project", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ id, tx, time_ms, principal: { tenantId }, input }) {
    const bytes = bytesOf(input.record);
    const key = bytesOf(input.public_key);
    const signed = readAliasRecord(bytes);
    const { alias, node, seq, sig, ts } = signed;
    if (!nodeOf(key).equals(node))
      throw aliasSigInvalid(alias, "public_key is not that of the node");
    if (!isSigned(key, recordMessage(signed), sig))
      throw aliasSigInvalid(alias, "sig is not the node's signature of this record");
    const { earliest, latest } = lifetimeAt(time_ms);
    if (ts < earliest || ts > latest) throw aliasTsRefused(alias, ts, earliest, latest);
    await lockAlias(tx, tenantId, alias);
    const set = await readSet(tx, alias);
    if (set === undefined) throw aliasMissing(alias);
    const highest = (await readFinalSeq(tx, alias)) ?? -1;
    if (seq <= highest) throw aliasSeqReplay(alias, seq, highest);
    if (await hasAliasSeq(tx, alias, seq)) throw aliasSeqReplay(alias, seq, seq);
    await insertAliasRecord(tx, tenantId, {
      id,
      alias,
      node,
      publicKey: key,
      seq,
      ts,
      signature: sig,
      record: bytes,
      setId: set.id,
      createdAt: new Date(time_ms),
    });
    return aliasRecordShown((await readAliasRecordById(tx, id))!);
  },
  subject: ({ id }) => ({ type: "alias_record", id }),
});
