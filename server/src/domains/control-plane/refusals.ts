import { Refusal } from "#kernel/refusal.ts";
import type { Auth } from "#pipeline";

/** One refusal for every bad key, whatever is wrong with it: a caller learns nothing about which keys exist. */
export const unauthenticated = () =>
  new Refusal(
    "request/unauthenticated",
    401,
    "No valid API key came with this call",
    {},
    "Send `Authorization: Bearer sk_…` with a key that is neither revoked nor expired.",
  );

export const slugTaken = (slug: string) =>
  new Refusal(
    "action/slug_taken",
    409,
    "The organization has a project of this slug",
    { slug },
    "Choose another slug.",
  );

export const nameTaken = (name: string) =>
  new Refusal(
    "action/name_taken",
    409,
    "The project has a service account of this name",
    { name },
    "Choose another name, or make a key for the one that exists: POST /v1/api-keys.",
  );

export const projectMissing = (id: string) =>
  new Refusal(
    "action/project_missing",
    404,
    "This key sees no such project",
    { id },
    "List them with GET /v1/projects.",
  );

export const serviceAccountMissing = (id: string) =>
  new Refusal(
    "action/service_account_missing",
    404,
    "This project has no such service account",
    { id },
    "List them with GET /v1/service-accounts.",
  );

export const apiKeyMissing = (id: string) =>
  new Refusal(
    "action/api_key_missing",
    404,
    "This project has no such API key",
    { id },
    "List them with GET /v1/api-keys.",
  );

export const keyTooStrong = (stronger: readonly string[], own: Auth) =>
  new Refusal(
    "action/key_too_strong",
    403,
    "A key cannot say more of its user than is known of the one who makes it",
    { stronger: [...stronger], own_method: own.method, own_tier: own.tier },
    "Make it with a key that is at least as strong, such as the project's first, or ask for less.",
  );
