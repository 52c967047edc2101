import { createLogKey, exchangedKey } from "#domains/security";
import { timestamp } from "#kernel/clock.ts";
import type { Tx } from "#kernel/db.ts";
import type { Backlog } from "#kernel/metrics-state.ts";
import type { WitnessSettings } from "#kernel/witness-settings.ts";
import type { Ledger } from "#pipeline";
import { canonicalJson, encodeEntry, payloadHash, utf8 } from "#verifier";
import { readBacklog } from "./backlog.ts";
import { insertHead, pendingRows, readHead } from "./queries.ts";
import { Salts } from "./salts.ts";
import { Indexer } from "./search/indexer.ts";
import { Sequencer, type SequencerParts } from "./sequencer.ts";
import { openWitnessPolicy } from "./witness/policy.ts";
import { Witnesses } from "./witness/witnesses.ts";

const ORIGINS_CACHED_MAX = 10_000;

export interface OpenLedger extends Ledger {
  readonly sequencer: Sequencer;
  /** Without a policy that names some, undefined. */
  readonly witnesses: Witnesses | undefined;
  readonly indexer: Indexer;
  /** Begins the log of a new project. It is called `origin/log/PROJECT`, or another last name, for ever, wherever it is served from. */
  createLog(tx: Tx, tenantId: string, lastName?: string): Promise<void>;
  /** What of all projects waits for its place or its checkpoint. */
  backlog(): Promise<Backlog>;
}

export interface LedgerParts extends Omit<SequencerParts, "witnesses" | "isUnwitnessed"> {
  /** Names this installation: a host name without scheme. */
  readonly origin: string;
  readonly witness?: WitnessSettings | undefined;
}

/** Fills the pipeline's fifth step. */
export function openLedger(parts: LedgerParts): OpenLedger {
  const { db, masterKey, origin } = parts;
  const witnesses = openWitnesses(parts, {
    onWitnessed: (tenantId, size) => sequencer.witnessed(tenantId, size),
    onRefused: (tenantId, refusal) => sequencer.refuse(tenantId, refusal),
  });
  const sequencer = new Sequencer({
    ...parts,
    witnesses,
    isUnwitnessed: parts.witness === undefined,
  });
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
    witnesses,
    waitsForWitnesses: witnesses?.waits === true,
    cosigners: witnesses?.verifiers ?? [],
    // In the writer's role: no other can read private halves, sealed or not.
    async exchangedKey(tenantId) {
      const log = await originOf(tenantId);
      return db.transaction({ role: "writer", tenantId }, (tx) => exchangedKey(tx, masterKey, log));
    },
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

function openWitnesses(
  { db, log, metrics, masterKey, witness }: LedgerParts,
  told: Pick<ConstructorParameters<typeof Witnesses>[0], "onWitnessed" | "onRefused">,
): Witnesses | undefined {
  const policy = witness && openWitnessPolicy(witness);
  return policy === undefined || policy.witnesses.length === 0
    ? undefined
    : new Witnesses({ db, log, metrics, masterKey, policy, ...told });
}
