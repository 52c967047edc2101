import type { StoredEvent } from "#domains/telemetry";
import { canonicalJson, type Entry } from "#verifier";
import type { SealedEvent, SealedPayload } from "../values.ts";
import type { Finding } from "./report.ts";

/** What is wrong with the row of the event that an entry stands for; null when nothing is. Retention took what is older than `retainedUntil_ms`. */
export function eventFinding(
  index: number,
  entry: Entry,
  payload: SealedPayload,
  row: StoredEvent | undefined,
  retainedUntil_ms: number,
): Finding | null {
  const sealed = eventOf(entry, payload);
  if (row === undefined) {
    if (sealed === null || Date.parse(entry.time) < retainedUntil_ms) return null;
    const message = `the security event of entry ${index} is not there, and retention did not take it`;
    return { kind: "event_missing", at: index, message };
  }
  if (sealed !== null && isSameEvent(sealed, entry, payload, row)) return null;
  const message = `the security event of entry ${index} is not the one that was sealed`;
  return { kind: "event_changed", at: index, message };
}

/** The event of an entry: its own, or that of a call that was refused. */
function eventOf({ kind, actor }: Entry, { event, outcome }: SealedPayload): SealedEvent | null {
  if (event !== undefined) return event;
  if (kind !== "refusal" || outcome?.code === undefined) return null;
  return { kind: outcome.code, severity: "warning", actor, facts: outcome.facts ?? {} };
}

const isSameEvent = (
  sealed: SealedEvent,
  { kind, time, refs }: Entry,
  { request }: SealedPayload,
  row: StoredEvent,
): boolean =>
  row.kind === sealed.kind &&
  row.severity === sealed.severity &&
  row.actor === sealed.actor &&
  row.factsText === canonicalJson(sealed.facts) &&
  row.requestId === (request?.id ?? refs["request"] ?? refs["job"]) &&
  row.decisionId === (kind === "refusal" ? row.id : null) &&
  Date.parse(time) === row.createdAt.getTime();
