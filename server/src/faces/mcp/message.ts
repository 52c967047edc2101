import type { Principal } from "#pipeline";

/** What the transport needs to know of a JSON-RPC message before the protocol's library reads it. */
interface Message {
  readonly method?: unknown;
  readonly id?: unknown;
  readonly params?: { readonly requestId?: unknown } | null;
}

const messageOf = (body: unknown): Message =>
  typeof body === "object" && body !== null ? body : {};

export const isInitialize = (body: unknown): boolean => messageOf(body).method === "initialize";

/** The id of the request that a message begins, and of the one that it cancels. */
export const begunBy = (body: unknown): unknown => messageOf(body).id;
export const cancelledBy = (body: unknown): unknown =>
  messageOf(body).method === "notifications/cancelled"
    ? messageOf(body).params?.requestId
    : undefined;

/** A request's id is its sender's own: it names one only together with who sent it, in which of the sender's connections. */
export const fullName = (
  { tenantId, id, apiKeyId }: Principal,
  connection: string | undefined,
  requestId: unknown,
): string | undefined =>
  typeof requestId === "string" || typeof requestId === "number"
    ? JSON.stringify([tenantId, id, apiKeyId, connection ?? "", requestId])
    : undefined;
