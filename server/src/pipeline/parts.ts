import type { Committer } from "./committer.ts";
import type { Ports } from "./ports.ts";
import type { ReadLog } from "./read-log.ts";
import type { Strangers } from "./strangers.ts";
import type { Suspicions } from "./suspicions.ts";

/** The ports, and the writers of the pipeline itself. */
export interface Parts extends Ports {
  readonly committer: Committer;
  readonly reads: ReadLog;
  readonly suspicions: Suspicions;
  readonly strangers: Strangers;
}
