import { z } from "zod";
import { newId } from "#kernel/ids.ts";
import { operation } from "#pipeline";
import { canonicalJson } from "#verifier";
import { parentMissing, resourceRing, resourceTypeReserved, tooDeep } from "../refusals.ts";
import {
  lockTree,
  readAncestry,
  readHeight,
  readResource,
  upsertResource,
} from "../resources/queries.ts";
import { entityType, externalId, resource, resourceShown, uid } from "../resources/shapes.ts";
import { name } from "../shapes.ts";

/** As policies allow it: an entity further from its root cannot be asked about. */
const ANCESTRY_MAX = 64;

/** What is kept elsewhere, or told by schemas. */
const RESERVED = /^(Group|User|ServiceAccount|AgentSession|(.*::)?Action)$/;

export const resourceSet = operation({
  name: "control-plane.resource.set",
  summary:
    "Keeps what policies may know of a thing: its attributes and what it is in. Replaces what was kept.",
  rest: "POST /v1/resources",
  kind: "write",
  manyMax: 1_000,
  input: z.strictObject({
    type: entityType,
    external_id: externalId.describe("What policies and questions call it"),
    name: name.optional().describe("For people; the id unless told"),
    tier: z
      .enum(["T1", "T2", "T3", "T4"])
      .default("T1")
      .describe("How much is asked of who acts on it"),
    parent: uid.nullable().default(null).describe("What it is in"),
    attributes: z
      .record(z.string().min(1).max(200), z.json())
      .default({})
      .describe("In Cedar's JSON form; a question fails where they are not as the schema says"),
  }),
  output: resource,

  policy: {
    resource: { type: "Resource", id: ({ input }) => `${input.type}:${input.external_id}` },
  },
  score: "none",
  async action({ tx, input, principal }) {
    const { type, external_id, parent, attributes } = input;
    if (RESERVED.test(type)) throw resourceTypeReserved(type);
    await lockTree(tx, principal.tenantId);
    const up = parent === null ? [] : await readAncestry(tx, parent);
    if (up === undefined) throw parentMissing(parent!);
    const [own] = (await readAncestry(tx, { type, id: external_id })) ?? [];
    if (own !== undefined && up.includes(own)) throw resourceRing(type, external_id);
    const height = own === undefined ? 0 : await readHeight(tx, own);
    if (up.length + height > ANCESTRY_MAX) throw tooDeep(up.length + height, ANCESTRY_MAX);
    const id = await upsertResource(tx, principal.tenantId, {
      id: newId(),
      type,
      externalId: external_id,
      name: input.name ?? external_id,
      tier: input.tier,
      parentId: up[0] ?? null,
      attributes: canonicalJson(attributes),
    });
    return resourceShown((await readResource(tx, id))!);
  },
  subject: ({ id }) => ({ type: "resource", id }),
});
