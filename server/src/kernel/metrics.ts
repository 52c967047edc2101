import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { StateGauges } from "./metrics-state.ts";

/** Everything that `/metrics` shows. One set per system, so that two in one process do not mix. */
export interface Metrics {
  readonly registry: Registry;
  readonly calls: Counter<"operation" | "outcome" | "code">;
  readonly steps: Histogram<"step">;
  readonly requests: Counter<"method" | "status">;
  readonly batches: Histogram<"kind">;
  readonly streams: Gauge<string>;
  readonly jobs: Counter<"topic" | "outcome">;
  readonly entries: Counter<string>;
  readonly waiting: Gauge<"queue">;
  /** Named as OpenTelemetry's conventions are written in Prometheus, like every name here without `sealbase`. */
  readonly http: Histogram<
    "http_request_method" | "http_route" | "http_response_status_code" | "operation"
  >;
  readonly transactions: Histogram<"db_system_name" | "db_operation_name" | "error_type">;
  readonly witnesses: Counter<"witness" | "outcome">;
  readonly witnessLag: Gauge<string>;
  readonly oracle: Counter<"outcome">;
  readonly state: StateGauges;
}

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** What came of asking Cedar's engine about a decision. */
export const ORACLE_OUTCOMES = [
  "agreed",
  "disagreed",
  "trapped",
  "unsure",
  "incomparable",
  "dropped",
] as const;

/** An alert compares with what was before: what has not happened yet is 0, not absent. */
function fromZero(counter: Counter<"outcome">, outcomes: readonly string[]): Counter<"outcome"> {
  for (const outcome of outcomes) counter.inc({ outcome }, 0);
  return counter;
}

export function openMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    calls: new Counter({
      name: "sealbase_calls_total",
      help: "Calls by operation and outcome; the code is that of a refusal.",
      labelNames: ["operation", "outcome", "code"],
      registers,
    }),
    steps: new Histogram({
      name: "sealbase_step_seconds",
      help: "Time that a call spent in each of the five steps.",
      labelNames: ["step"],
      buckets: SECONDS,
      registers,
    }),
    requests: new Counter({
      name: "sealbase_http_requests_total",
      help: "HTTP requests by method and status, those that did not parse included.",
      labelNames: ["method", "status"],
      registers,
    }),
    streams: new Gauge({
      name: "sealbase_streams",
      help: "Streams that are being followed.",
      registers,
    }),
    jobs: new Counter({
      name: "sealbase_jobs_total",
      help: "Attempts at jobs by topic and what came of them; waiting: it is tried again.",
      labelNames: ["topic", "outcome"],
      registers,
    }),
    batches: new Histogram({
      name: "sealbase_batch_size",
      help: "Calls per shared transaction (commit) and entries per sequenced batch (seal).",
      labelNames: ["kind"],
      buckets: SIZES,
      registers,
    }),
    entries: new Counter({
      name: "sealbase_entries_sealed_total",
      help: "Ledger entries that were given a place by this process.",
      registers,
    }),
    waiting: new Gauge({
      name: "sealbase_waiting",
      help: "Calls that wait for a commit or for a published checkpoint.",
      labelNames: ["queue"],
      registers,
    }),
    http: new Histogram({
      name: "http_server_request_duration_seconds",
      help: "HTTP requests by method, path as routed, status and operation; its count is their number.",
      labelNames: ["http_request_method", "http_route", "http_response_status_code", "operation"],
      buckets: SECONDS,
      registers,
    }),
    transactions: new Histogram({
      name: "db_client_operation_duration_seconds",
      help: "Transactions from asking for a connection to the commit; error_type is empty for those that committed.",
      labelNames: ["db_system_name", "db_operation_name", "error_type"],
      buckets: SECONDS,
      registers,
    }),
    witnesses: new Counter({
      name: "sealbase_witness_requests_total",
      help: "Checkpoints that witnesses were asked to cosign, by the policy's name of the witness and what came of it.",
      labelNames: ["witness", "outcome"],
      registers,
    }),
    witnessLag: new Gauge({
      name: "sealbase_witness_lag_seconds",
      help: "How long the oldest newest checkpoint of a log waits for its quorum; 0 when none does.",
      registers,
    }),
    oracle: fromZero(
      new Counter({
        name: "sealbase_policy_oracle_total",
        help: "Decisions that Cedar's engine was asked about, too, by what came of it.",
        labelNames: ["outcome"],
        registers,
      }),
      ORACLE_OUTCOMES,
    ),
    state: new StateGauges(registry),
  };
}
