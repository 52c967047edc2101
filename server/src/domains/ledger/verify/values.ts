import type { Recomputed } from "#domains/authz";
import type { Entry } from "#verifier";
import type { StoredEntry } from "../queries.ts";
import {
  isRatedSo,
  isSameDecision,
  isSameScore,
  isSameSubject,
  type SealedPayload,
} from "../values.ts";
import { eventFinding } from "./events.ts";
import type { Page } from "./pages.ts";
import { registryFinding } from "./registries.ts";
import type { Finding } from "./report.ts";
import { vaultFinding } from "./vault.ts";

/** An entry, and the payload that it sealed. */
export interface Opened {
  readonly entry: Entry;
  readonly payload: SealedPayload;
}

/** What is wrong with the rows that an entry stands for, and with what it says beside its payload. */
export function valueFindings(
  { index, id }: Pick<StoredEntry, "index" | "id">,
  { entry, payload }: Opened,
  { decisions, scores, payments, events, verdicts, registries }: Page,
  eventsUntil_ms: number,
): Finding[] {
  const found: Finding[] = [];
  const { decision, score } = payload;
  const kept = scores.get(id);
  const row = decisions.get(id);
  if (decision && !isSameDecision(decision, row))
    found.push({
      kind: "decision_changed",
      at: index,
      message: `the decision of entry ${index} is not the one that was sealed`,
      expected: decision.trace_hash,
      found: row?.recomputed,
    });
  else if (!saysTheSame(entry, payload, row))
    found.push({
      kind: "entry_changed",
      at: index,
      message: `entry ${index} names another actor, action or outcome than its payload`,
    });
  if (score ? !isSameScore(score, kept) : kept !== undefined)
    found.push({
      kind: "score_changed",
      at: index,
      message: `the score of entry ${index} is not the one that was sealed`,
      expected: score ? String(score.value) : "none",
      found: kept === undefined ? "none" : String(kept.value),
    });
  else if (kept !== undefined && !isRatedSo(kept))
    found.push({
      kind: "score_changed",
      at: index,
      message: `the features of entry ${index} do not give the score that was sealed`,
    });
  if (!isSameSubject(payload, entry.time, payments.get(id)))
    found.push({
      kind: "subject_changed",
      at: index,
      message: `the payment of entry ${index} is not the one that was sealed`,
    });
  const others = [
    eventFinding(index, entry, payload, events.get(id), eventsUntil_ms),
    vaultFinding(index, entry, payload, verdicts.get(id)),
    registryFinding(index, entry, payload, registries.get(id)),
  ];
  return [...found, ...others.filter((finding) => finding !== null)];
}

/** What kinds of entries say of a call that was done, and of one that was refused. */
const KINDS: Readonly<Record<string, string>> = { done: "call", refused: "refusal" };

const CALLS: ReadonlySet<string> = new Set(Object.values(KINDS));

/** An entry that was edited before it got its place leads to every root like any other; its payload remembers. */
function saysTheSame(
  { kind, action, outcome, actor }: Entry,
  { request, outcome: result, event, decision, job }: SealedPayload,
  row: Recomputed | undefined,
): boolean {
  if (job !== undefined)
    return (
      kind === "job" &&
      action === job.topic &&
      outcome === (job.status === "done" ? "done" : "failed")
    );
  if (request === undefined)
    return !CALLS.has(kind) && (kind !== "event" || actor === event?.actor);
  return (
    kind === KINDS[result?.status ?? ""] &&
    outcome === result?.status &&
    action === request.operation &&
    // A session may be refused for what its account may not: the decision is about the account then.
    (!decision || actor === row?.principal || actor.startsWith("AgentSession:"))
  );
}
