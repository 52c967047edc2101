import type { Lineage, TraceStep } from "./queries.ts";

/** One call for a person: what was asked, what each step found, what came of it. */
export function whyText(call: Lineage): string {
  return [
    `${call.operation} by ${call.actor} at ${call.created_at.toISOString()}: ${headline(call)}`,
    `  request  ${call.request_id}${call.asked_by === null ? "" : `, asked by ${call.asked_by}`}`,
    ...policyLines(call),
    ...scoreLines(call),
    `  action   ${actionLine(call)}`,
    `  seal     ${sealLine(call)}`,
  ].join("\n");
}

function headline({ outcome, code, decision }: Lineage): string {
  if (outcome === "refused") return `refused (${code})`;
  return decision === "deny" ? "denied" : outcome;
}

function policyLines({
  decision,
  principal,
  action,
  resource_type,
  resource_id,
  policy_version,
  policy_reasons,
  trace,
  erased_by,
}: Lineage): string[] {
  if (erased_by !== null) return [`  policy   erased by ${erased_by}`];
  if (decision === null) return ["  policy   no decision is kept"];
  const by = policy_reasons?.length
    ? `by ${policy_reasons.join(", ")}`
    : "by default: no permit applies";
  const version =
    policy_version === null ? "no active policies" : `policies version ${policy_version}`;
  return [
    `  policy   ${decision} ${by} (${version})`,
    `           may ${principal} ${action} on ${resource_type}:${resource_id}`,
    ...(trace ?? []).map((step) => `           ${stepLine(step)}`),
  ];
}

function stepLine({ policy_id, effect, outcome, ...step }: TraceStep): string {
  const failed = [
    ...(step.principal ? [] : ["not this principal"]),
    ...(step.resource ? [] : ["not this resource"]),
    ...step.conditions.map(({ kind, clause, holds }) => `${kind} ${clause}: ${holds}`),
  ];
  return `${outcome === "no_match" ? "·" : "→"} ${effect} ${policy_id}: ${outcome}${failed.length > 0 ? ` (${failed.join("; ")})` : ""}`;
}

function scoreLines({
  score,
  level,
  score_max,
  score_reasons,
  model,
  model_version,
  erased_by,
}: Lineage): string[] {
  if (score === null && erased_by !== null) return ["  score    erased, if there was one"];
  if (score === null) return ["  score    not scored"];
  const reasons = score_reasons?.length ? score_reasons.join(", ") : "no reasons";
  return [
    `  score    ${Number(score)} ${level}, threshold ${Number(score_max)}: ${reasons} (model ${model} ${model_version})`,
  ];
}

function actionLine({ outcome, code, subject_type, subject_id, decision }: Lineage): string {
  if (outcome === "refused") return `not done: ${code}`;
  if (outcome === "read") return code === null ? "read" : `read refused: ${code}`;
  if (subject_type === null) return decision === "deny" ? "answered: denied" : "done";
  return `done: ${subject_type} ${subject_id}`;
}

function sealLine({ entry_id, entry_index, erased_by, is_archived, payload }: Lineage): string {
  if (entry_id === null) return "with other reads under one digest, unless a crash came between";
  return entry_index === null
    ? `entry ${entry_id}, durable, waiting for its place`
    : `entry ${entry_id} at ${entry_index}${payloadOf({ erased_by, is_archived, payload })}`;
}

function payloadOf({
  erased_by,
  is_archived,
  payload,
}: Pick<Lineage, "erased_by" | "is_archived" | "payload">): string {
  if (erased_by !== null) return `, its payload erased by ${erased_by}`;
  if (is_archived) return ", in an archive";
  return payload === null ? ", its payload gone without an erasure: verify the log" : "";
}
