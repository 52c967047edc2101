import { answerOf } from "./answer.ts";
import type { CallOptions, Form } from "./method.ts";
import { type Api, type Operations, ROUTES } from "./operations.ts";
import { requestOf } from "./request.ts";
import { send } from "./send.ts";

export interface ClientOptions {
  /** Where the server is, such as `https://sealbase.example`. */
  readonly url: string;
  /** An API key, `sk_…`. */
  readonly key: string;
  readonly fetch?: typeof fetch;
  /** Attempts after the first: 3 unless told. */
  readonly retries?: number;
  /** Of one attempt, in milliseconds: 30,000 unless told. */
  readonly timeout_ms?: number;
  /** What writes wait for: that they are on disk, or (unless told) that a signed checkpoint covers them. */
  readonly acknowledge?: "durable" | "published";
}

const RETRIES = 3;
const TIMEOUT_MS = 30_000;

/** Every operation of the server as a method: `client.risk.transaction.assess({ … })`. */
export interface SealbaseClient extends Api<"output"> {
  /** The same methods, giving `{ output, meta }`: the call's id, its place in the log, its timings. */
  readonly withMeta: Api<"answer">;
}

// oxlint-disable-next-line typescript/no-extraneous-class -- its methods come from the table
export const SealbaseClient: new (options: ClientOptions) => SealbaseClient = class {
  constructor(options: ClientOptions) {
    // The key stays in these functions, so that nothing which prints the client prints it.
    const call = callWith(options);
    Object.assign(this, methodsOf("output", call));
    Object.defineProperty(this, "withMeta", { value: methodsOf("answer", call) });
  }
} as never;

type Call = (
  name: keyof Operations,
  input: object | undefined,
  options: CallOptions | undefined,
) => Promise<{ output: unknown }>;

function callWith(client: ClientOptions): Call {
  const url = baseOf(client.url);
  if (client.key === "") throw new TypeError("key must be an API key of the server, not empty");
  return async (name, input = {}, options = {}) => {
    const route = ROUTES[name];
    const settings = { ...client, ...defined(options) };
    const idempotencyKey =
      route.kind === "read" ? undefined : (settings.idempotencyKey ?? crypto.randomUUID());
    const sent = requestOf({ url, key: client.key }, route, input as Record<string, unknown>, {
      idempotencyKey,
      requestId: settings.requestId,
      acknowledge: settings.acknowledge,
    });
    const received = await send(sent, {
      fetch: client.fetch ?? fetch,
      retries: settings.retries ?? RETRIES,
      timeout_ms: settings.timeout_ms ?? TIMEOUT_MS,
      signal: settings.signal,
      idempotencyKey,
    });
    return answerOf(received, idempotencyKey, Array.isArray(input));
  };
}

function baseOf(url: string): string {
  const { protocol, origin, pathname } = new URL(url);
  if (!/^https?:$/.test(protocol)) throw new TypeError(`url must begin with http or https: ${url}`);
  return `${origin}${pathname.replace(/\/+$/, "")}`;
}

/** An option that is given as undefined is not given. */
const defined = (options: CallOptions): CallOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function methodsOf<F extends Form>(form: F, call: Call): Api<F> {
  const root: Record<string, unknown> = {};
  for (const name of Object.keys(ROUTES) as (keyof Operations)[]) {
    const words = name.split(".").map(camel);
    const last = words.pop()!;
    let at = root;
    for (const word of words) at = (at[word] ??= {}) as Record<string, unknown>;
    at[last] = async (input?: object, options?: CallOptions) => {
      const answer = await call(name, input, options);
      return form === "answer" ? answer : answer.output;
    };
  }
  return root as unknown as Api<F>;
}

const camel = (word: string): string =>
  word.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
