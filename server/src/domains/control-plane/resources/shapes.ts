import { z } from "zod";
import type { Resource } from "./queries.ts";

export const entityType = z
  .string()
  .regex(/^[A-Za-z_]\w*(::[A-Za-z_]\w*)*$/, "an entity type, as schemas name it")
  .max(120)
  .meta({ examples: ["Document"] });

export const externalId = z.string().min(1).max(200);

export const uid = z.strictObject({ type: entityType, id: externalId });

export const resource = z
  .object({
    id: z.uuid(),
    type: z.string(),
    external_id: z.string(),
    name: z.string(),
    tier: z.enum(["T1", "T2", "T3", "T4"]),
    parent: z.object({ type: z.string(), id: z.string() }).nullable(),
    attributes: z.record(z.string(), z.json()),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: "Resource" });

export const resourceShown = ({
  externalId: external_id,
  attributes,
  createdAt,
  updatedAt,
  ...same
}: Resource): z.input<typeof resource> => ({
  ...same,
  external_id,
  attributes: attributes as z.input<typeof resource>["attributes"],
  created_at: createdAt.toISOString(),
  updated_at: updatedAt.toISOString(),
});
