import type { Operation, Parts } from "#pipeline";
import type { System } from "../system.ts";

/** What the face answers from. */
export interface Source {
  readonly parts: Parts;
  readonly operations: readonly Operation[];
  readonly health: System["health"];
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal;
}
