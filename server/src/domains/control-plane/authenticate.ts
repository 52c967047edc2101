import { findSession, type SessionPart } from "#domains/agents";
import type { Clock } from "#kernel/clock.ts";
import { isCredential, publicPart } from "#kernel/credential.ts";
import type { Db, Tx } from "#kernel/db.ts";
import { type Auth, type Authenticate, type Principal, Suspicion } from "#pipeline";
import { type FoundAuth, type FoundKey, findKey, readAccount } from "./queries.ts";
import { unauthenticated } from "./refusals.ts";

const CACHED_MAX = 10_000;
/** A change is heard at once; this is for the time in which nobody could say so. */
const CACHED_MS = 5_000;

export interface Authenticator {
  readonly authenticate: Authenticate;
  /** Something about a project's keys may have changed; without a project, about any. */
  forget(tenantId?: string): void;
}

/** A key, or a session's, with everything that is known about who uses it. */
type Found = FoundKey & Partial<SessionPart>;

const FINDERS = { sk: findKey, as: findSession<FoundKey> };

/** Fills the pipeline's first step: an API key or the key of an agent session becomes a principal. */
export function openAuthenticator(db: Db, clock: Clock): Authenticator {
  const cache = new Map<string, { readonly found: Found; readonly until_ms: number }>();
  // One that nobody has is not asked for again and again; it cannot become one, as new ones are random.
  const unknown = new Set<string>();
  const find = async (
    { kind, prefix }: NonNullable<ReturnType<typeof publicPart>>,
    withoutCache: boolean,
  ): Promise<Found | undefined> => {
    // The prefix of a key is public, and with another kind before it, it is somebody else's or nobody's.
    const known = `${kind}_${prefix}`;
    const cached = cache.get(known);
    if (!withoutCache && cached !== undefined && cached.until_ms > clock()) return cached.found;
    cache.delete(known);
    if (unknown.has(known)) return undefined;
    const found: Found | undefined = await db.transaction(
      { role: "reader", tenantId: null },
      (tx) => FINDERS[kind](tx, prefix),
    );
    if (found === undefined) {
      if (unknown.size >= CACHED_MAX) unknown.clear();
      unknown.add(known);
      return undefined;
    }
    if (cache.size >= CACHED_MAX) cache.clear();
    cache.set(known, { found, until_ms: clock() + CACHED_MS });
    return found;
  };
  return {
    async authenticate(credential, withoutCache) {
      const part = credential === undefined ? undefined : publicPart(credential);
      if (part === undefined) throw unauthenticated();
      const found = await find(part, withoutCache);
      if (found === undefined) throw unauthenticated();
      const wrong = whatIsWrong(found, credential!, clock());
      if (wrong !== undefined)
        throw new Suspicion(unauthenticated(), found.tenant_id, wrong, part.prefix, {
          api_key_id: found.api_key_id,
        });
      return principalOf(found);
    },
    forget(tenantId) {
      if (tenantId === undefined) unknown.clear();
      for (const [known, { found }] of cache)
        if (tenantId === undefined || found.tenant_id === tenantId) cache.delete(known);
    },
  };
}

function whatIsWrong(found: Found, credential: string, now_ms: number): string | undefined {
  if (!isCredential(credential, found.key_hash)) return "key_forged";
  if (found.revoked_at !== null) return "key_revoked";
  if (found.expires_at !== null && found.expires_at.getTime() <= now_ms) return "key_expired";
  return found.disabled_at === null ? undefined : "account_disabled";
}

/** A service account as a principal, for what is done in its name while it does not call. */
export async function principalOfAccount(tx: Tx, id: string): Promise<Principal | undefined> {
  const found = await readAccount(tx, id);
  return found === undefined ? undefined : principalOf({ ...found, ...NO_KEY });
}

/** What is done without a key is done with the weakest. */
const NO_KEY = {
  api_key_id: "",
  expires_at: null,
  auth_method: "api_key",
  auth_tier: "T1",
  step_up_until: null,
} as const;

/** An agent's session has none of the proofs that the people behind its account have given. */
const authOf = (found: Pick<Found, "session_id" | keyof FoundAuth>): Auth =>
  found.session_id === undefined
    ? {
        method: found.auth_method,
        tier: found.auth_tier,
        stepUpUntil_ms: found.step_up_until?.getTime() ?? null,
      }
    : { method: "agent", tier: "T1", stepUpUntil_ms: null };

const principalOf = (found: Omit<Found, "key_hash" | "revoked_at">): Principal => ({
  type: found.session_id === undefined ? "ServiceAccount" : "AgentSession",
  id: found.session_id ?? found.service_account_id,
  name: found.session_name ?? found.service_account_name,
  accountId: found.service_account_id,
  session:
    found.session_id === undefined
      ? null
      : { id: found.session_id, writes: found.session_writes ?? [] },
  groups: found.groups,
  tenantId: found.tenant_id,
  organizationId: found.organization_id,
  projectName: found.project_name,
  apiKeyId: found.api_key_id,
  auth: authOf(found),
  expiresAt_ms: found.expires_at?.getTime() ?? null,
  scoreMax: Number(found.score_max),
  revision: found.revision,
});
