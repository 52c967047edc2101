import { create, type DescMessage, type Message as Proto } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { PACKAGE } from "./api.ts";
import type { Described } from "./descriptors.ts";
import { HEALTH_MS, QUESTION_BYTES_MAX, WATCHERS_MAX } from "./limits.ts";
import { addMethod } from "./method.ts";
import { fileOf } from "./proto.ts";
import type { Source } from "./source.ts";

const STATUS = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;
type Status = (typeof STATUS)[number];

/** grpc/health/v1/health.proto (grpc-proto), without List. */
export const health = fileOf({
  name: "grpc/health/v1/health.proto",
  package: "grpc.health.v1",
  messages: {
    HealthCheckRequest: ["1 string service"],
    HealthCheckResponse: ["1 ServingStatus status"],
  },
  enums: { ServingStatus: { in: "HealthCheckResponse", values: STATUS } },
  services: {
    Health: {
      Check: "HealthCheckRequest HealthCheckResponse",
      Watch: "HealthCheckRequest stream HealthCheckResponse",
    },
  },
});
export const HEALTH_SERVICE = "grpc.health.v1.Health";

/** What load balancers ask. Like `/readyz`: one state for the server, the same for each of its services. */
export function addHealth(router: ConnectRouter, { api }: Described, source: Source): void {
  const known = new Set(["", ...api.services.map(({ name }) => `${PACKAGE}.${name}`)]);
  const [check, watch] = health.registry.getService(HEALTH_SERVICE)!.methods;
  const answer = (status: Status) => answerOf(check!.output, status);
  const current = currently(source);
  const statusOf = async ({ service }: Asked): Promise<Status> =>
    known.has(service) ? current() : "SERVICE_UNKNOWN";
  let watchers = 0;

  addMethod(
    router,
    check!,
    async (asked: Asked) => {
      const status = await statusOf(asked);
      if (status === "SERVICE_UNKNOWN")
        throw new ConnectError("There is no such service", Code.NotFound);
      return answer(status);
    },
    { readMaxBytes: QUESTION_BYTES_MAX },
  );
  addMethod(
    router,
    watch!,
    async function* (asked: Asked, { signal }: HandlerContext) {
      if (++watchers > WATCHERS_MAX) {
        watchers--;
        throw new ConnectError(
          `This server has ${WATCHERS_MAX} watchers already`,
          Code.ResourceExhausted,
        );
      }
      try {
        const left = AbortSignal.any([signal, source.stopping]);
        let told: Status | undefined;
        while (!left.aborted) {
          const status = await statusOf(asked);
          if (status !== told) yield answer(status);
          told = status;
          await wait(HEALTH_MS, left);
        }
        if (source.stopping.aborted) yield answer("NOT_SERVING");
      } finally {
        watchers--;
      }
    },
    { readMaxBytes: QUESTION_BYTES_MAX },
  );
}

type Asked = Proto & { readonly service: string };

const answerOf = (desc: DescMessage, status: Status): Proto =>
  create(desc, { status: STATUS.indexOf(status) });

/** The state, asked for at most once a second however many want to know. */
function currently({ health, stopping }: Source): () => Promise<Status> {
  let asked_ms = Number.NEGATIVE_INFINITY;
  let answer: Promise<Status> = Promise.resolve("UNKNOWN");
  return () => {
    if (stopping.aborted) return Promise.resolve("NOT_SERVING");
    if (performance.now() - asked_ms < HEALTH_MS) return answer;
    asked_ms = performance.now();
    return (answer = health().then(
      ({ state }) => (state === "down" ? "NOT_SERVING" : "SERVING"),
      () => "NOT_SERVING",
    ));
  };
}

/** Resolves after the time, or when the signal aborts. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms).unref();
    signal.addEventListener("abort", end, { once: true });
  });
}
