import { Gauge, type Registry } from "prom-client";

/** What is not counted as it happens but looked at when somebody asks. */
export interface State {
  readonly connections: Connections;
  /** Why PostgreSQL gives no answer; undefined when it does. */
  readonly engineError: string | undefined;
  /** Logs whose signing is off, and why. */
  readonly refusedLogs: readonly { readonly log: string; readonly reason: string }[];
  /** Undefined when the database cannot be asked. */
  readonly backlog: Backlog | undefined;
}

export interface Connections {
  readonly max: number;
  readonly used: number;
  readonly idle: number;
  /** Transactions that wait for a connection. */
  readonly waiting: number;
  /** How long there has been at least one. */
  readonly waiting_s: number;
}

export interface Backlog {
  /** Entries that have no place in their log yet. */
  readonly entries: number;
  /** Age of the oldest entry that no published checkpoint covers; 0 when all are covered. */
  readonly lag_s: number;
}

type Value = number | Readonly<Record<string, number>>;

/** Gauges that take their values from `look`, once it is known, each time that the registry is read. */
export class StateGauges {
  #look: (() => Promise<State>) | undefined;

  constructor(registry: Registry) {
    const gauge = (name: string, help: string, read: (state: State) => Value, label?: string) => {
      const fill = async () => {
        const state = await this.#look?.();
        if (state !== undefined) set(made, read(state), label);
      };
      const labelNames = label === undefined ? [] : [label];
      const made = new Gauge({ name, help, labelNames, registers: [registry], collect: fill });
    };
    gauge(
      "db_client_connection_count",
      "Connections of the pool to PostgreSQL, by state.",
      ({ connections: { used, idle } }) => ({ used, idle }),
      "db_client_connection_state",
    );
    gauge(
      "db_client_connection_max",
      "Connections that the pool may open.",
      ({ connections }) => connections.max,
    );
    gauge(
      "db_client_connection_pending_requests",
      "Transactions that wait for a connection.",
      ({ connections }) => connections.waiting,
    );
    gauge("sealbase_engine_up", "1 while PostgreSQL answers.", ({ engineError }) =>
      engineError === undefined ? 1 : 0,
    );
    gauge(
      "sealbase_logs_refused",
      "Logs whose signing is off until an operator acts; /readyz names them.",
      ({ refusedLogs }) => refusedLogs.length,
    );
    gauge(
      "sealbase_ledger_pending_entries",
      "Entries of all projects that have no place in their log yet.",
      ({ backlog }) => backlog?.entries ?? Number.NaN,
    );
    gauge(
      "sealbase_ledger_lag_seconds",
      "Age of the oldest entry that no published checkpoint covers.",
      ({ backlog }) => backlog?.lag_s ?? Number.NaN,
    );
  }

  /** From here on the gauges show what `look` finds. */
  watch(look: () => Promise<State>): void {
    this.#look = look;
  }
}

function set(gauge: Gauge<string>, value: Value, label: string | undefined): void {
  if (typeof value === "number") return gauge.set(value);
  for (const [name, one] of Object.entries(value)) gauge.set({ [label!]: name }, one);
}
