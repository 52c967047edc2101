import type { Tx } from "#kernel/db.ts";
import { ENGINES, type Engines } from "../engines.ts";
import { RECOVERY, RECOVERY_POLICIES } from "../oracle/recovery.ts";
import { type Deciding, reopenVersion, type Version, weigh } from "../policy.ts";
import type { StoredVersion } from "../queries.ts";
import { type Recorded, readRecorded, readSlices, readVersionsById } from "./queries.ts";
import { type Known, knownOf, recall } from "./recall.ts";

/** What came of deciding a recorded question again. */
export type Replay =
  | { readonly kind: "agreed" | "disagreed"; readonly found: Found }
  /** The engine that decided is not here any more: nothing can be said. */
  | { readonly kind: "engine_unknown" };

interface Found {
  readonly outcome: "allow" | "deny";
  readonly traceHash: string;
}

const RECOVERED = JSON.stringify([RECOVERY]);

/** Decides recorded questions again, each by the version and the engine that decided it, which are compiled once. */
export class Replayer {
  readonly #engines: Engines;
  readonly #stored = new Map<string, StoredVersion>();
  readonly #compiled = new Map<string, Version | null>();

  constructor(engines: Engines = ENGINES) {
    this.#engines = engines;
  }

  /** Versions that decisions to come name. */
  know(versions: ReadonlyMap<string, StoredVersion>): void {
    for (const [id, version] of versions) this.#stored.set(id, version);
  }

  replay(recorded: Recorded, known: Known): Replay {
    const engine = this.#engines.named(recorded.engine);
    if (engine === undefined) return { kind: "engine_unknown" };
    const posed = recall(recorded, known);
    const { outcome, traceHash, reasons, errors } = weigh(this.#deciding(recorded), posed, engine);
    // What stands beside the hash is read by people and by later decisions, so it has to say the same.
    const agreed =
      traceHash === recorded.trace_hash &&
      outcome === recorded.outcome &&
      posed.principal === recorded.principal &&
      posed.action === recorded.action &&
      JSON.stringify(reasons) === recorded.reasons &&
      JSON.stringify(errors) === recorded.errors;
    return { kind: agreed ? "agreed" : "disagreed", found: { outcome, traceHash } };
  }

  /** While the default set was quarantined, the server's own policy decided. */
  #deciding({ policy_version_id: id, reasons, engine }: Recorded): Deciding | null {
    if (id === null && reasons === RECOVERED) return RECOVERY_POLICIES;
    return this.#version(id, engine);
  }

  /** Null when there was none, or none that says policies any more. */
  #version(id: string | null, engineText: string): Version | null {
    if (id === null) return null;
    const key = `${id} ${engineText}`;
    let version = this.#compiled.get(key);
    if (version === undefined) {
      const stored = this.#stored.get(id);
      version =
        stored === undefined ? null : reopenVersion(stored, this.#engines.named(engineText));
      this.#compiled.set(key, version);
    }
    return version;
  }
}

export interface Replayed {
  readonly id: string;
  /** Name and version. */
  readonly engine: string;
  /** Null: the engine that decided is not here any more. */
  readonly outcome: { readonly recorded: string; readonly replayed: string } | null;
  readonly trace_hash: { readonly recorded: string; readonly replayed: string } | null;
  readonly agrees: boolean | null;
}

/** Decides a recorded question again from what was kept, and compares; undefined when there is no such decision. */
export async function replayDecision(tx: Tx, id: string): Promise<Replayed | undefined> {
  const recorded = await readRecorded(tx, id);
  if (recorded === undefined) return undefined;
  const { engine, slice_hash, policy_version_id } = recorded;
  const replayer = new Replayer();
  replayer.know(await readVersionsById(tx, policy_version_id === null ? [] : [policy_version_id]));
  const slices = await readSlices(tx, [slice_hash]);
  const replay = replayer.replay(recorded, knownOf(slices.get(slice_hash)));
  if (replay.kind === "engine_unknown")
    return { id, engine, outcome: null, trace_hash: null, agrees: null };
  const { found } = replay;
  return {
    id,
    engine,
    outcome: { recorded: recorded.outcome, replayed: found.outcome },
    trace_hash: { recorded: recorded.trace_hash, replayed: found.traceHash },
    agrees: replay.kind === "agreed",
  };
}
