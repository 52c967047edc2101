import type { Clock } from "#kernel/clock.ts";
import type { Db, Tx } from "#kernel/db.ts";
import { type Authenticate, type Principal, Suspicion } from "#pipeline";
import { isKey, prefixOf } from "./api-key.ts";
import { type FoundKey, findKey, readAccount } from "./queries.ts";
import { unauthenticated } from "./refusals.ts";

const CACHED_MAX = 10_000;
/** A change is heard at once; this is for the time in which nobody could say so. */
const CACHED_MS = 5_000;

export interface Authenticator {
  readonly authenticate: Authenticate;
  /** Something about a project's keys may have changed; without a project, about any. */
  forget(tenantId?: string): void;
}

/** Fills the pipeline's first step: an API key becomes a principal. */
export function openAuthenticator(db: Db, clock: Clock): Authenticator {
  const cache = new Map<string, { readonly found: FoundKey; readonly until_ms: number }>();
  // A prefix that nobody has is not asked for again and again; it cannot become one, as new ones are random.
  const unknown = new Set<string>();
  const find = async (prefix: string, withoutCache: boolean): Promise<FoundKey | undefined> => {
    const cached = cache.get(prefix);
    if (!withoutCache && cached !== undefined && cached.until_ms > clock()) return cached.found;
    cache.delete(prefix);
    if (unknown.has(prefix)) return undefined;
    const found = await db.transaction({ role: "reader", tenantId: null }, (tx) =>
      findKey(tx, prefix),
    );
    if (found === undefined) {
      if (unknown.size >= CACHED_MAX) unknown.clear();
      unknown.add(prefix);
      return undefined;
    }
    if (cache.size >= CACHED_MAX) cache.clear();
    cache.set(prefix, { found, until_ms: clock() + CACHED_MS });
    return found;
  };
  return {
    async authenticate(credential, withoutCache) {
      const prefix = credential === undefined ? undefined : prefixOf(credential);
      if (prefix === undefined) throw unauthenticated();
      const found = await find(prefix, withoutCache);
      if (found === undefined) throw unauthenticated();
      const wrong = whatIsWrong(found, credential!, clock());
      if (wrong !== undefined)
        throw new Suspicion(unauthenticated(), found.tenant_id, wrong, prefix, {
          api_key_id: found.api_key_id,
        });
      return principalOf(found);
    },
    forget(tenantId) {
      for (const [prefix, { found }] of cache)
        if (tenantId === undefined || found.tenant_id === tenantId) cache.delete(prefix);
    },
  };
}

function whatIsWrong(found: FoundKey, credential: string, now_ms: number): string | undefined {
  if (!isKey(credential, found.key_hash)) return "key_forged";
  if (found.revoked_at !== null) return "key_revoked";
  if (found.expires_at !== null && found.expires_at.getTime() <= now_ms) return "key_expired";
  return found.disabled_at === null ? undefined : "account_disabled";
}

/** A service account as a principal, for what is done in its name while it does not call. */
export async function principalOfAccount(tx: Tx, id: string): Promise<Principal | undefined> {
  const found = await readAccount(tx, id);
  return found === undefined ? undefined : principalOf({ ...found, api_key_id: "" });
}

const principalOf = (
  found: Omit<FoundKey, "key_hash" | "expires_at" | "revoked_at">,
): Principal => ({
  type: "ServiceAccount",
  id: found.service_account_id,
  name: found.service_account_name,
  groups: found.groups,
  tenantId: found.tenant_id,
  organizationId: found.organization_id,
  projectName: found.project_name,
  apiKeyId: found.api_key_id,
  scoreMax: Number(found.score_max),
  revision: found.revision,
});
