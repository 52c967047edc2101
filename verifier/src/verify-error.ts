/** `verify/…`: why something could not be verified, for programs. */
export type VerifyCode = `verify/${string}`;

export type Failure = { ok: false; code: VerifyCode; message: string; help: string };

/** An expected failure: what was given is malformed or not proven. `help` says what to do now. */
export class VerifyError extends Error {
  readonly code: VerifyCode;
  readonly help: string;

  constructor(code: VerifyCode, message: string, help: string) {
    super(message);
    this.name = "VerifyError";
    this.code = code;
    this.help = help;
  }
}

/** Runs a check to its answer. Checks take hostile input, so whatever is thrown becomes a failure. */
export function failureInsteadOfThrow<Result>(check: () => Result): Result | Failure {
  try {
    return check();
  } catch (error) {
    return failureOf(error);
  }
}

/** The same for a check that waits for what it reads. */
export function failureInsteadOfReject<Result>(
  check: () => Promise<Result>,
): Promise<Result | Failure> {
  return check().catch(failureOf);
}

function failureOf(error: unknown): Failure {
  if (error instanceof VerifyError) {
    return { ok: false, code: error.code, message: error.message, help: error.help };
  }
  return {
    ok: false,
    code: "verify/unexpected",
    message: `The check itself failed: ${error instanceof Error ? error.message : "unknown error"}.`,
    help: "Treat the input as not verified, and report it: this is a bug in the verifier.",
  };
}
