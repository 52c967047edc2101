import { readFinishedJobIds } from "#domains/ops";
import { readRegistryCalls } from "#domains/registries";
import { readPaymentIds, readScoreIds } from "#domains/risk";
import { readEventIds, readSealedCalls } from "#domains/telemetry";
import { readVerdictCalls } from "#domains/vault";
import type { Tx } from "#kernel/db.ts";
import { isUnsealed, isUnsealedJob, readLost } from "../queries.ts";
import { FINDINGS_MAX, type Findings } from "./findings.ts";

const LIMIT = FINDINGS_MAX + 1;

/** Entries that were durable and are nowhere now. */
export async function findLost(tx: Tx, findings: Findings): Promise<void> {
  for (const id of await readLost(tx, LIMIT))
    findings.find(
      "entry_lost",
      null,
      `entry ${id} was durable; it is not in the log and does not wait for a place`,
    );
}

/** Rows that no entry stands for: somebody put them there beside the log. */
export async function findUnsealed(tx: Tx, findings: Findings): Promise<void> {
  const [calls, payments, scores, events, jobs, verdicts, registries] = await Promise.all([
    readSealedCalls(tx, isUnsealed, LIMIT),
    readPaymentIds(tx, isUnsealed, LIMIT),
    readScoreIds(tx, isUnsealed, LIMIT),
    readEventIds(tx, isUnsealed, LIMIT),
    readFinishedJobIds(tx, isUnsealedJob, LIMIT),
    readVerdictCalls(tx, isUnsealed, LIMIT),
    readRegistryCalls(tx, isUnsealed, LIMIT),
  ]);
  const rows = {
    call: calls,
    payment: payments,
    score: scores,
    event: events,
    job: jobs,
    "what the vault has of": verdicts,
    "what the registries have of": registries,
  };
  for (const [what, ids] of Object.entries(rows))
    for (const id of ids)
      findings.find("row_unsealed", null, `${what} ${id} is stored, and no entry was made for it`);
}
