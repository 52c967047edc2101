import type { Json, RefusalCode } from "./operations.ts";

/** RFC 9457, as the server sends it. */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly facts: Readonly<Record<string, Json>>;
  readonly help: string;
  readonly request_id: string;
}

/** The server said no: which step, why, with which values, and what to do. */
export class SealbaseRefusal extends Error {
  override readonly name = "SealbaseRefusal";
  /** `step/what`; a newer server may know more than are listed. */
  readonly code: RefusalCode | (string & {});
  readonly status: number;
  readonly facts: Readonly<Record<string, Json>>;
  /** What the caller can do now. */
  readonly help: string;
  readonly requestId: string;

  constructor({ title, status, code, facts, help, request_id }: Problem) {
    super(title);
    this.code = code;
    this.status = status;
    this.facts = facts;
    this.help = help;
    this.requestId = request_id;
  }
}

/**
 * No usable answer came: the network failed, time ran out, or something else answered in the server's place. A write
 * may have been done: call again with the same `idempotencyKey` to learn its outcome.
 */
export class SealbaseUnanswered extends Error {
  override readonly name = "SealbaseUnanswered";
  readonly attempts: number;
  readonly idempotencyKey: string | undefined;

  constructor(
    why: string,
    {
      attempts,
      idempotencyKey,
      cause,
    }: { attempts: number; idempotencyKey: string | undefined; cause?: unknown },
  ) {
    super(why, cause === undefined ? undefined : { cause });
    this.attempts = attempts;
    this.idempotencyKey = idempotencyKey;
  }
}

/** A write was answered, and its receipt does not prove it: the log, its keys or the way to them is not what it seems. */
export class SealbaseUnverified extends Error {
  override readonly name = "SealbaseUnverified";
  /** Of the verifier. */
  readonly code: string;
  /** As the server gave it. */
  readonly receipt: string;

  constructor(why: string, { receipt, code }: { receipt: string; code: string }) {
    super(why);
    this.code = code;
    this.receipt = receipt;
  }
}

export function isProblem(body: unknown): body is Problem {
  const { code, status, title, help, facts } = (body ?? {}) as Partial<Problem>;
  const texts = [code, title, help].every((text) => typeof text === "string");
  return texts && typeof status === "number" && typeof facts === "object";
}
