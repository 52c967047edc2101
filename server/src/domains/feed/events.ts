import type { FeedEvent } from "#pipeline";
import { formatOffset } from "./offset.ts";

/** What can be followed. The order is that of an entry's events. */
export const CHANNELS = ["entries", "scores", "security", "checkpoints", "decisions"] as const;
export type Channel = (typeof CHANNELS)[number];

/** The operation that shows the same thing, and what it would be asked about: who may call it gets the event. */
const SHOWN_BY = {
  entries: { operation: "ledger.entry.get", type: "Entry" },
  scores: { operation: "telemetry.chain.why", type: "Chain" },
  security: { operation: "telemetry.chain.why", type: "Chain" },
  checkpoints: { operation: "ledger.checkpoint.get", type: "Log" },
  decisions: { operation: "authz.decision.get", type: "Decision" },
} as const;

/** An entry as the ledger shows it. */
export interface ShownEntry {
  readonly id: string;
  readonly index: number;
  readonly time: string;
  readonly kind: string;
  readonly actor: string;
  readonly refs: Readonly<Record<string, string>>;
  readonly payload: unknown;
}

export interface ShownCheckpoint {
  readonly size: number;
  readonly root: string;
  readonly checkpoint: string;
  readonly created_at: string;
}

interface Payload {
  readonly score?: object | null;
  readonly outcome?: { readonly code?: string; readonly facts?: object };
  readonly decisions?: readonly string[];
  readonly event?: object;
}

/** Decisions that became known with an entry: that of its call, one that was asked for, or those of the reads that it seals. */
export function decisionsOf({ id, kind, refs, payload }: ShownEntry): readonly string[] {
  const { decisions } = (payload ?? {}) as Payload;
  if (decisions !== undefined) return decisions;
  const asked = refs["asked_decision"];
  if (kind !== "call" && kind !== "refusal") return [];
  return asked === undefined ? [id] : [id, asked];
}

/** The events of one entry, in order. An ordinal says what an event is, whether or not the others are there. */
export function eventsOf(
  tenantId: string,
  entry: ShownEntry,
  checkpoint: ShownCheckpoint | undefined,
  decisions: ReadonlyMap<string, object>,
): FeedEvent[] {
  const { index, id, time } = entry;
  const events: FeedEvent[] = [];
  const add = (channel: Channel, nth: number, of: { id: string; time: string; data: unknown }) => {
    const { operation, type } = SHOWN_BY[channel];
    const ordinal = CHANNELS.indexOf(channel) + 1 + nth;
    const resource = { type, id: type === "Log" ? tenantId : of.id };
    const offset = formatOffset({ index, ordinal });
    events.push({ item: { offset, channel, ...of }, at: { index, ordinal }, operation, resource });
  };
  add("entries", 0, { id, time, data: entry });
  const score = scoreOf(entry);
  if (score !== null) add("scores", 0, { id, time, data: score });
  const security = securityOf(entry);
  if (security !== null) add("security", 0, { id, time, data: security });
  if (checkpoint !== undefined) {
    const { created_at, ...data } = checkpoint;
    add("checkpoints", 0, { id: String(data.size), time: created_at, data });
  }
  for (const [nth, decisionId] of decisionsOf(entry).entries()) {
    const data = decisions.get(decisionId);
    if (data !== undefined) add("decisions", nth, { id: decisionId, time, data });
  }
  return events;
}

function scoreOf({ id, payload }: ShownEntry): object | null {
  const { score } = (payload ?? {}) as Payload;
  return score === undefined || score === null ? null : { id, ...score };
}

/** A refusal, what a job found, or an event that had no call: a forged, revoked or expired key. */
function securityOf({ id, kind, actor, refs, payload }: ShownEntry): object | null {
  const { outcome, event } = (payload ?? {}) as Payload;
  const request_id = refs["request"] ?? refs["job"] ?? null;
  if (event !== undefined) return { id, request_id, ...event };
  if (kind !== "refusal") return null;
  const { code = "", facts = {} } = outcome ?? {};
  return { id, request_id, kind: code, severity: "warning", actor, facts };
}
