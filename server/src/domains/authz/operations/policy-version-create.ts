import { z } from "zod";
import type { Db } from "#kernel/db.ts";
import { operation } from "#pipeline";
import type { SchemaJson } from "../cedar/schemas.ts";
import { baseMoved, tooManySets } from "../refusals.ts";
import {
  countSets,
  insertVersion,
  lockSet,
  makeSet,
  readActiveOf,
  readVersion,
} from "../sets/queries.ts";
import {
  ownSchema,
  policyVersion,
  setName,
  versionShown,
  written,
  writtenOf,
} from "../sets/shapes.ts";
import {
  newVersion,
  type OwnSchema,
  ownSchemaOf,
  ownSchemaText,
  type Read,
  read,
  schemaWith,
} from "../sets/versions.ts";

const SETS_MAX = 100;

export const policyVersionCreate = operation({
  name: "authz.policy-version.create",
  summary: "Stores policies as a draft: the next version of a set, which its first version makes.",
  rest: "POST /v1/policies/{set}/versions",
  kind: "write",
  status: 201,
  input: z.strictObject({
    set: setName,
    ...written,
    schema: ownSchema.describe(
      "Left out: that of the active version; null: none but the platform's",
    ),
    base: z
      .int()
      .min(0)
      .max(2_147_483_647)
      .optional()
      .describe("Number of the version that was active when you began; 0: none was"),
  }),
  output: policyVersion,

  policy: { resource: { type: "PolicySet", id: ({ input }) => input.set } },
  score: "none",
  async prepare({ input, principal: { tenantId }, ports }) {
    const own =
      input.schema === undefined ? await ownOfActive(ports.db, tenantId, input.set) : input.schema;
    return { own, policies: await read(writtenOf(input)), schema: await schemaWith(own) };
  },
  async action({ tx, input, principal, prepared }) {
    const { set, base = null } = input;
    const { own, policies, schema } = prepared as Prepared;
    let setId = await lockSet(tx, set);
    if (setId === undefined) {
      const sets = await countSets(tx);
      if (sets >= SETS_MAX) throw tooManySets(sets);
      setId = await makeSet(tx, principal.tenantId, set);
    }
    const now = (await readActiveOf(tx, set))?.number ?? 0;
    if (base !== null && base !== now) throw baseMoved(set, base, now);
    const { number } = await insertVersion(
      tx,
      principal.tenantId,
      setId,
      newVersion(policies, schema, {
        ownSchema: ownSchemaText(own),
        base,
        createdBy: `${principal.type}:${principal.id}`,
      }),
    );
    return versionShown((await readVersion(tx, set, number))!);
  },
  subject: ({ id }) => ({ type: "policy_version", id }),
});

interface Prepared {
  readonly own: OwnSchema;
  readonly policies: Read;
  readonly schema: SchemaJson;
}

const ownOfActive = (db: Db, tenantId: string, set: string): Promise<OwnSchema> =>
  db.transaction({ role: "reader", tenantId }, async (tx) =>
    ownSchemaOf((await readActiveOf(tx, set))?.ownSchema ?? null),
  );
