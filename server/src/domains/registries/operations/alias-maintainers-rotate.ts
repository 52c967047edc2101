import { z } from "zod";
import { operation } from "#pipeline";
import { insertSet, lockAlias, readSet } from "../alias/queries.ts";
import { type MaintainerSet, rotationMessage } from "../alias/record.ts";
import { alias, maintainerSet, maintainers, minSigners, setShown } from "../alias/shapes.ts";
import { bytesOf, hexOf, isSigned } from "../digest.ts";
import { aliasMissing, aliasRotationConflict, aliasSigInvalid } from "../refusals.ts";
import { publicKey, signature } from "../shapes.ts";

const SIGNERS = 2;

const signed = z.strictObject({ maintainer: publicKey, signature });

export const aliasMaintainersRotate = operation({
  name: "registries.alias-maintainers.rotate",
  summary: "Hands an alias to its next maintainers, signed by exactly two of the current ones.",
  rest: "POST /v1/alias-maintainers",
  kind: "write",
  status: 201,
  input: z.strictObject({
    alias,
    number: z.int().min(1).max(2_147_483_646).describe("Of the set that hands over"),
    maintainers,
    min_signers: minSigners,
    signatures: z
      .array(signed)
      .max(10)
      .describe('Exactly two, of SHA-256("BN-L5-ROTATE", digests of both sets)'),
  }),
  output: maintainerSet,

  policy: {
    resource: { type: "Alias", id: ({ input }) => input.alias },
    context: ["number"],
  },
  score: "none",
  async action({ id, tx, time_ms, principal: { tenantId }, input }) {
    await lockAlias(tx, tenantId, input.alias);
    const current = await readSet(tx, input.alias);
    if (current === undefined) throw aliasMissing(input.alias);
    if (input.number !== current.number)
      throw aliasRotationConflict(input.alias, input.number, current.number);
    const next = {
      alias: input.alias,
      number: current.number + 1,
      maintainers: input.maintainers.map(bytesOf),
      minSigners: input.min_signers,
    };
    checkSignatures(current, next, input.signatures);
    const set = {
      ...next,
      id,
      rotationSigners: input.signatures.map(({ maintainer }) => bytesOf(maintainer)),
      rotationSignatures: input.signatures.map((one) => bytesOf(one.signature)),
      createdAt: new Date(time_ms),
    };
    await insertSet(tx, tenantId, set);
    return setShown(set);
  },
});

function checkSignatures(
  current: MaintainerSet,
  next: MaintainerSet,
  signatures: readonly z.output<typeof signed>[],
): void {
  const { alias } = current;
  const signers = new Set(signatures.map(({ maintainer }) => maintainer));
  if (signatures.length !== SIGNERS || signers.size !== SIGNERS)
    throw aliasSigInvalid(
      alias,
      `exactly ${SIGNERS} maintainers sign, once each; there are ${signatures.length} signatures of ${signers.size}`,
    );
  const known = new Set(current.maintainers.map(hexOf));
  const message = rotationMessage(current, next);
  for (const { maintainer, signature } of signatures) {
    if (!known.has(maintainer))
      throw aliasSigInvalid(alias, `${maintainer} is no current maintainer`);
    if (!isSigned(bytesOf(maintainer), message, bytesOf(signature)))
      throw aliasSigInvalid(alias, `the signature of ${maintainer} is of something else`);
  }
}
