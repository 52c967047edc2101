import type { Append } from "#kernel/append.ts";
import type { Scope } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import { STEPS, type Step } from "#kernel/refusal.ts";
import { span } from "#kernel/trace.ts";
import type { Operation } from "./operation.ts";
import type { Parts } from "./parts.ts";
import type { Approval, Decision, Principal, Question, Score } from "./ports.ts";

/** A call as a face hands it over. */
export interface Incoming {
  /** The API key as sent. */
  readonly credential?: string | undefined;
  /** The IP address that it came from; none for calls of this process. */
  readonly address?: string | undefined;
  readonly requestId?: string | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly input: unknown;
  /** What a write waits for: that it is on disk, or that a signed checkpoint covers it. */
  readonly acknowledge?: "durable" | "published" | undefined;
  /** Entity tags (RFC 9110): the call is done only while the resource has one of them. */
  readonly ifMatch?: string | undefined;
  /** Aborts when the caller left or its deadline passed; its reason is a refusal. Too late once the commit began. */
  readonly signal?: AbortSignal | undefined;
}

/** A call that has its request id, the caller's own or a new one. */
export type Named = Incoming & { readonly requestId: string };

/** Step 1's result: who wants what. */
export interface Admitted {
  readonly principal: Principal;
  readonly input: unknown;
  /** RFC 8785 of the input. */
  readonly canonicalInput: string;
}

/**
 * One call on its way, and the rows it has gathered: each step adds its own, and step 5 writes all of them at once.
 * A call that is decided again (because a policy or key changed meanwhile) starts a new chain.
 */
export class Chain {
  readonly id: string = newId();
  readonly requestId: string;
  readonly time_ms: number;
  readonly timings_ms: Record<Step, number>;
  readonly rows: Append[] = [];
  readonly operation: Operation;
  readonly incoming: Named;
  admitted?: Admitted;
  question?: Question;
  decision?: Decision;
  /** What lets an agent's call through; used up when the call is done. */
  approval?: Approval;
  score: Score | null = null;
  /** What step 4 found before its transaction. */
  prepared?: unknown;
  readonly #parts: Parts;

  constructor(
    parts: Parts,
    operation: Operation,
    incoming: Named,
    timings_ms: Record<Step, number>,
  ) {
    this.#parts = parts;
    this.operation = operation;
    this.incoming = incoming;
    this.requestId = incoming.requestId;
    this.time_ms = parts.clock();
    this.timings_ms = timings_ms;
  }

  /** Runs one of the five steps: a span of its name, its share of the time. */
  async step<T>(name: Step, work: () => T | Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await span(name, work);
    } finally {
      const elapsed_ms = performance.now() - start;
      this.timings_ms[name] += elapsed_ms;
      this.#parts.metrics.steps.observe({ step: name }, elapsed_ms / 1000);
    }
  }

  /** Whose rows a transaction of this call sees. */
  scope(role: "reader" | "writer"): Scope {
    const { tenantId, organizationId } = this.request.principal;
    return {
      role,
      tenantId,
      organizationId: this.operation.scope === "organization" ? organizationId : undefined,
      requestId: this.requestId,
    };
  }

  /** Who and what; only after step 1. */
  get request(): Admitted {
    if (this.admitted === undefined) throw new Error("the call was not admitted yet");
    return this.admitted;
  }
}

export const noTimings = (): Record<Step, number> =>
  Object.fromEntries(STEPS.map((step) => [step, 0])) as Record<Step, number>;
