import { Refusal } from "#kernel/refusal.ts";

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
  new Refusal("action/slug_taken", 409, "The organization has a project of this slug", { slug }, "Choose another slug.");

export const nameTaken = (name: string) =>
  new Refusal(
    "action/name_taken",
    409,
    "The project has a service account of this name",
    { name },
    "Choose another name, or make a key for the one that exists: POST /v1/api-keys.",
  );

const missing = (what: string, where: string) => (id: string) =>
  new Refusal(`action/${what.replace(" ", "_")}_missing`, 404, `This project has no such ${what}`, { id }, `List them with ${where}.`);

export const projectMissing = missing("project", "GET /v1/projects");
export const serviceAccountMissing = missing("service account", "GET /v1/service-accounts");
export const apiKeyMissing = missing("API key", "GET /v1/api-keys");
