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

export const resourceMissing = (id: string) =>
  new Refusal(
    "action/resource_missing",
    404,
    "This project keeps no such resource",
    { id },
    "List them with GET /v1/resources.",
  );

export const parentMissing = (parent: { readonly type: string; readonly id: string }) =>
  new Refusal(
    "action/parent_missing",
    409,
    "This project keeps nothing of what the resource is said to be in",
    { parent },
    "Set the parent first: POST /v1/resources.",
  );

/** As resources they would put people into groups for whoever may keep resources. */
export const resourceTypeReserved = (type: string) =>
  new Refusal(
    "action/resource_type_reserved",
    409,
    "People, groups and actions are no resources",
    { type },
    "Keep them where they are kept: service accounts, memberships, the schema; choose another type.",
  );

export const resourceRing = (type: string, id: string) =>
  new Refusal(
    "action/resource_ring",
    409,
    "A resource cannot be in itself, nor in what is in it",
    { type, external_id: id },
    "Choose another parent.",
  );

export const tooDeep = (depth: number, max: number) =>
  new Refusal(
    "action/too_deep",
    409,
    `No resource may be more than ${max} steps from its root`,
    { depth },
    "Put it higher up in the tree.",
  );

export const hasMembers = (id: string) =>
  new Refusal(
    "action/has_members",
    409,
    "Other resources are in this one",
    { id },
    "Move or delete those first: GET /v1/resources lists them.",
  );
