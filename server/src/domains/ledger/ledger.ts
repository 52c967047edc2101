import { createLogKey } from "#domains/security";
import { timestamp } from "#kernel/clock.ts";
import type { Tx } from "#kernel/db.ts";
import type { Backlog } from "#kernel/metrics-state.ts";
import type { Ledger } from "#pipeline";
import { canonicalJson, encodeEntry, payloadHash, utf8 } from "#verifier";
import { readBacklog } from "./backlog.ts";
import { insertHead, pendingRows, readHead } from "./queries.ts";
import { Salts } from "./salts.ts";
import { Indexer } from "./search/indexer.ts";
import { Sequencer, type SequencerParts } from "./sequencer.ts";

const ORIGINS_CACHED_MAX = 10_000;

export interface OpenLedger extends Ledger {
  readonly sequencer: Sequencer;
  readonly indexer: Indexer;
  /** Begins the log of a new project. It is called `origin/log/PROJECT`, or another last name, for ever, wherever it is served from. */
  createLog(tx: Tx, tenantId: string, lastName?: string): Promise<void>;
  /** What of all projects waits for its place or its checkpoint. */
  backlog(): Promise<Backlog>;
}

/** Fills the pipeline's fifth step. `origin` names this installation: a host name without scheme. */
export function openLedger(parts: SequencerParts & { readonly origin: string }): OpenLedger {
  const { db, masterKey, origin } = parts;
  const sequencer = new Sequencer(parts);
  const salts = new Salts();
  const origins = new Map<string, string>();
  const originOf = async (tenantId: string): Promise<string> => {
    const known = origins.get(tenantId);
    if (known !== undefined) return known;
    const head = await db.transaction({ role: "reader", tenantId }, readHead);
    if (head === undefined) throw new Error(`project ${tenantId} has no log`);
    if (origins.size >= ORIGINS_CACHED_MAX) origins.clear();
    origins.set(tenantId, head.origin);
    return head.origin;
  };
  return {
    sequencer,
    indexer: new Indexer(parts),
    async ready(tenantId) {
      if (!origins.has(tenantId)) await originOf(tenantId);
    },
    async rows(tenantId, { id, time_ms, kind, actor, action, outcome, refs, payload }) {
      sequencer.checkPool(tenantId);
      const log = origins.get(tenantId) ?? (await originOf(tenantId));
      const text = canonicalJson(payload);
      const salt = salts.next();
      const entry = encodeEntry({
        v: 2,
        log,
        time: timestamp(time_ms),
        kind,
        actor,
        action,
        outcome,
        refs,
        payload_hash: payloadHash(salt, text),
      });
      return pendingRows(id, utf8(entry), salt, text);
    },
    wake: (tenantId) => sequencer.wake(tenantId),
    published: (tenantId, entryId) => sequencer.published(tenantId, entryId),
    async createLog(tx, tenantId, lastName = tenantId) {
      const name = `${origin}/log/${lastName}`;
      await insertHead(tx, tenantId, name);
      await createLogKey(tx, masterKey, tenantId, name);
    },
    backlog: () => readBacklog(db, parts.clock),
  };
}
