import type { Config } from "#kernel/config.ts";
import type { HealthReport } from "#kernel/health.ts";
import type { Operation, Parts } from "#pipeline";

/** Everything joined and running, as main.ts gives it to a face. */
export interface System {
  readonly parts: Parts;
  readonly operations: readonly Operation[];
  /** Whether calls should come here now, and what is wrong. */
  health(): Promise<HealthReport>;
  /** Whether nobody has made an organization here yet. */
  isNew(): Promise<boolean>;
  /** Makes an organization and its first project. */
  createOrganization(name: string, project: string): Promise<{ projectId: string; key: string }>;
  /**
   * Lets an earlier version of a project's set `default` decide again, whatever policies say: the one before, or that of
   * `number`. The reason is sealed.
   */
  restorePolicies(
    projectId: string,
    restoring: { readonly number: number | undefined; readonly reason: string },
  ): Promise<{ readonly from: number | null; readonly to: number }>;
  /** What each witness of the policy says about a project's log now; none when there is no policy. */
  askWitnesses(projectId: string): Promise<readonly WitnessAnswer[]>;
  /** Begins to do jobs, to tell webhooks and to seal heads in the root log; a process that only asks does not. */
  work(): void;
  /** Seals the heads of all logs that have grown in the root log, as `work` does every few seconds. */
  sealHeads(): Promise<number>;
  /** Finishes what is under way, seals what is pending, and closes; twice does nothing more. */
  stop(): Promise<void>;
}

export interface WitnessAnswer {
  readonly witness: string;
  readonly said:
    | { readonly what: "cosigned" }
    | { readonly what: "ahead" | "disagrees"; readonly size: number }
    | { readonly what: "unknown" | "failed"; readonly why: string };
}

export interface Opening {
  /** Migrate the database first; otherwise one that is behind is refused. */
  readonly migrate: boolean;
  /** Share the embedded engine of another process instead of refusing. */
  readonly join: boolean;
}

export type OpenSystem = (config: Config, opening: Opening) => Promise<System>;
