/** Keys, policies or the threshold changed after the call was decided: decide it again. */
export class Stale extends Error {
  constructor() {
    super("the project's revision changed while the call was on its way");
  }
}

/** The call's Idempotency-Key has an answer already; this chain wrote nothing. */
export class Answered extends Error {
  constructor() {
    super("the call was answered before");
  }
}
