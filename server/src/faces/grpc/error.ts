import { create, type DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Fact, type Facts, Refusal } from "#kernel/refusal.ts";
import { cancelled, deadlineExceeded } from "#pipeline";
import { errorInfo } from "./error-info.ts";
import { FACT_LENGTH_MAX, FACTS_BYTES_MAX } from "./limits.ts";

const DOMAIN = "sealbase";

const CODES: Readonly<Record<number, Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  404: Code.NotFound,
  405: Code.Unimplemented,
  408: Code.DeadlineExceeded,
  409: Code.Aborted,
  412: Code.FailedPrecondition,
  413: Code.ResourceExhausted,
  429: Code.ResourceExhausted,
  499: Code.Canceled,
  503: Code.Unavailable,
  504: Code.DeadlineExceeded,
};

export function codeOf({ code, status }: Pick<Refusal, "code" | "status">): Code {
  if (code === "request/unknown_method") return Code.Unimplemented;
  if (status === 409 && code.endsWith("_taken")) return Code.AlreadyExists;
  return CODES[status] ?? (status < 500 ? Code.InvalidArgument : Code.Internal);
}

/** A refusal as a gRPC status: code and message, two details for programs, and what a proxy's log shows in trailers. */
export function errorOf(refusal: Refusal, requestId: string, detail: DescMessage): ConnectError {
  const { code, message, status, facts, help, callId } = refusal;
  const metadata = new Headers({ "sealbase-code": code, "x-request-id": requestId });
  if (callId !== undefined) metadata.set("sealbase-call", callId);
  const short = shortened(facts);
  const fits = Buffer.byteLength(JSON.stringify(facts)) <= FACTS_BYTES_MAX;
  const ids = { requestId, ...(callId === undefined ? {} : { callId }) };
  const own = { code, message, status: BigInt(status), facts: fits ? facts : short, help, ...ids };
  return new ConnectError(message, codeOf(refusal), metadata, [
    { desc: errorInfo, value: { reason: code, domain: DOMAIN, metadata: short } },
    { desc: detail, value: create(detail, own) },
  ]);
}

function shortened(facts: Facts): Record<string, string> {
  let left = FACTS_BYTES_MAX;
  const text = (fact: Fact) =>
    (typeof fact === "string" ? fact : JSON.stringify(fact)).slice(0, FACT_LENGTH_MAX);
  const all = Object.entries(facts).map(([name, fact]) => [name, text(fact)] as const);
  return Object.fromEntries(
    all.filter(([name, value]) => (left -= Buffer.byteLength(name + value)) >= 0),
  );
}

/** Aborts with a refusal as its reason, as the pipeline wants it. */
export function refusingSignal(from: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(reasonOf(from.reason));
  if (from.aborted) abort();
  else from.addEventListener("abort", abort, { once: true });
  return controller.signal;
}

function reasonOf(reason: unknown): Refusal {
  if (reason instanceof Refusal) return reason;
  const late = reason instanceof ConnectError && reason.code === Code.DeadlineExceeded;
  return late ? deadlineExceeded() : cancelled();
}
