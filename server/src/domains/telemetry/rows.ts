import { appendTable, rowOf } from "#kernel/append.ts";
import { timestamp } from "#kernel/clock.ts";
import type { Telemetry } from "#pipeline";
import { canonicalJson } from "#verifier";

const LINKS = appendTable("telemetry.event_links", {
  decision_id: "uuid",
  request_id: "text",
  operation: "text",
  actor: "text",
  outcome: "text",
  code: "text",
  subject_type: "text",
  subject_id: "uuid",
  entry_id: "uuid",
  created_at: "timestamptz",
});

const EVENTS = appendTable("telemetry.security_events", {
  id: "uuid",
  kind: "text",
  severity: "text",
  actor: "text",
  request_id: "text",
  decision_id: "uuid",
  facts: "text",
  created_at: "timestamptz",
});

/** Fills the pipeline's port: the link that ties a call together, and events for those who watch. */
export const telemetry: Telemetry = {
  linkRows: (link) => [
    rowOf(LINKS, {
      decision_id: link.decisionId,
      request_id: link.requestId,
      operation: link.operation,
      actor: link.actor,
      outcome: link.outcome,
      code: link.code,
      // A subject that shares the call's id is found by it already.
      subject_type: link.subject?.type ?? null,
      subject_id:
        link.subject === null || link.subject.id === link.decisionId ? null : link.subject.id,
      entry_id: link.entryId,
      created_at: timestamp(link.time_ms),
    }),
  ],
  eventRows: (event) => [
    rowOf(EVENTS, {
      id: event.id,
      kind: event.kind,
      severity: event.severity,
      actor: event.actor,
      request_id: event.requestId,
      decision_id: event.decisionId,
      facts: canonicalJson(event.facts),
      created_at: timestamp(event.time_ms),
    }),
  ],
};
