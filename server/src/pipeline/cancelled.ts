import { Refusal } from "#kernel/refusal.ts";

/** Why a call's signal aborted, for `AbortController.abort`. Nothing of the call was done. */
export const cancelled = () =>
  new Refusal(
    "request/cancelled",
    499,
    "The caller left before the call was done",
    {},
    "Send the call again with the same Idempotency-Key if it is still wanted.",
  );

export const deadlineExceeded = () =>
  new Refusal(
    "request/deadline_exceeded",
    504,
    "The caller's deadline passed before the call was done",
    {},
    "Send the call again with the same Idempotency-Key and a longer deadline.",
  );
