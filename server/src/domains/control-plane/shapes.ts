import { z } from "zod";
import { AUTH_METHODS, AUTH_TIERS } from "#pipeline";
import type { ApiKey, Project, ServiceAccount } from "./queries.ts";

export const name = z.string().min(1).max(120);
export const slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "lower-case letters, digits and dashes, at most 63");
export const scoreMax = z.number().min(0).max(1).multipleOf(0.00001);
/** A new project's threshold: what is riskier than the edge of HIGH is refused. */
export const SCORE_MAX = 0.6;
const time = z.iso.datetime();

export const project = z
  .object({
    id: z.uuid(),
    name: z.string(),
    slug: z.string(),
    score_max: z.number().describe("A score above this is refused"),
    created_at: time,
  })
  .meta({ id: "Project" });

export const projectShown = ({
  id,
  name,
  slug,
  scoreMax,
  createdAt,
}: Project): z.input<typeof project> => ({
  id,
  name,
  slug,
  score_max: Number(scoreMax),
  created_at: createdAt.toISOString(),
});

export const serviceAccount = z
  .object({
    id: z.uuid(),
    name: z.string(),
    groups: z.array(z.string()),
    created_at: time,
  })
  .meta({ id: "ServiceAccount" });

export const serviceAccountShown = ({
  id,
  name,
  groups,
  createdAt,
}: ServiceAccount): z.input<typeof serviceAccount> => ({
  id,
  name,
  groups,
  created_at: createdAt.toISOString(),
});

export const apiKey = z
  .object({
    id: z.uuid(),
    service_account_id: z.uuid(),
    name: z.string(),
    prefix: z.string(),
    expires_at: time.nullable(),
    auth_method: z.enum(AUTH_METHODS).describe("How its user has signed in, for policies"),
    auth_tier: z.enum(AUTH_TIERS).describe("How surely it is known who that is"),
    step_up_until: time
      .nullable()
      .describe("Until when a fresh proof of presence counts; null: there is none"),
    revoked_at: time.nullable(),
    created_at: time,
  })
  .meta({ id: "ApiKey" });

export const apiKeyShown = (key: ApiKey): z.input<typeof apiKey> => ({
  id: key.id,
  service_account_id: key.serviceAccountId,
  name: key.name,
  prefix: key.prefix,
  expires_at: key.expiresAt?.toISOString() ?? null,
  auth_method: key.authMethod,
  auth_tier: key.authTier,
  step_up_until: key.stepUpUntil?.toISOString() ?? null,
  revoked_at: key.revokedAt?.toISOString() ?? null,
  created_at: key.createdAt.toISOString(),
});
