import { answerOf } from "./answer.ts";
import type { Answer, CallOptions, Form, StreamOptions } from "./method.ts";
import { type Api, type Operations, ROUTES } from "./operations.ts";
import { type Verification, verifyCall } from "./receipts.ts";
import { requestOf } from "./request.ts";
import { send } from "./send.ts";
import { follow } from "./stream.ts";

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
  /** "always": a write is given to its caller only when its receipt proves it. Needs `verification`. */
  readonly verify?: "never" | "always";
  readonly verification?: Verification;
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
    const client = { ...options, url: checked(options) };
    const call = callWith(client);
    const stream = streamWith(client);
    Object.assign(this, methodsOf("output", call, stream));
    Object.defineProperty(this, "withMeta", { value: methodsOf("answer", call, stream) });
  }
} as never;

type Call = (
  name: keyof Operations,
  input: object | undefined,
  options: CallOptions | undefined,
) => Promise<Answer<unknown>>;

function callWith(client: ClientOptions): Call {
  const { url, key } = client;
  const call: Call = async (name, input = {}, options = {}) => {
    const route = ROUTES[name];
    const isMany = Array.isArray(input);
    const settings = { ...client, ...defined(options) };
    const isVerified = client.verify === "always" && route.kind === "write";
    if (isVerified && isMany)
      throw new TypeError("with verify: always, call once an item: each has a receipt of its own");
    const idempotencyKey =
      route.kind === "read" ? undefined : (settings.idempotencyKey ?? crypto.randomUUID());
    const sent = requestOf({ url, key }, route, input as Record<string, unknown>, {
      idempotencyKey,
      requestId: settings.requestId,
      acknowledge: isVerified ? "published" : settings.acknowledge,
    });
    const received = await send(sent, {
      fetch: client.fetch ?? fetch,
      retries: settings.retries ?? RETRIES,
      timeout_ms: settings.timeout_ms ?? TIMEOUT_MS,
      signal: settings.signal,
      idempotencyKey,
    });
    const answer = answerOf(received, idempotencyKey, isMany);
    if (isVerified) {
      const getReceipt = async (id: string) =>
        ((await call("ledger.receipt.get", { id }, settings)).output as Receipt).receipt;
      await verifyCall(name, answer.meta, client.verification!, getReceipt, settings.signal);
    }
    return answer;
  };
  return call;
}

type Receipt = Operations["ledger.receipt.get"]["output"];

type OpenStream = (
  name: keyof Operations,
  input: object | undefined,
  options: StreamOptions | undefined,
) => AsyncGenerator<unknown, void, undefined>;

function streamWith(client: ClientOptions): OpenStream {
  const { url, key } = client;
  return (name, input = {}, options = {}) =>
    follow(
      {
        url,
        key,
        fetch: client.fetch ?? fetch,
        retries: options.retries ?? client.retries ?? RETRIES,
        requestId: options.requestId,
        signal: options.signal,
      },
      ROUTES[name],
      input as Record<string, unknown>,
    );
}

/** The base of every URL; throws when the options do not make a client. */
function checked({ url, key, verify, verification }: ClientOptions): string {
  if (key === "") throw new TypeError("key must be an API key of the server, not empty");
  if (verify === "always" && (verification === undefined || verification.logKeys.length === 0))
    throw new TypeError("verify: always needs verification: the verifier, and the log's keys");
  const { protocol, origin, pathname } = new URL(url);
  if (!/^https?:$/.test(protocol)) throw new TypeError(`url must begin with http or https: ${url}`);
  return `${origin}${pathname.replace(/\/+$/, "")}`;
}

/** An option that is given as undefined is not given. */
const defined = (options: CallOptions): CallOptions =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function methodsOf<F extends Form>(form: F, call: Call, stream: OpenStream): Api<F> {
  const root: Record<string, unknown> = {};
  for (const name of Object.keys(ROUTES) as (keyof Operations)[]) {
    const words = name.split(".").map(camel);
    const last = words.pop()!;
    let at = root;
    for (const word of words) at = (at[word] ??= {}) as Record<string, unknown>;
    if (ROUTES[name].kind === "stream") {
      at[last] = (input?: object, options?: StreamOptions) => stream(name, input, options);
      continue;
    }
    at[last] = async (input?: object, options?: CallOptions) => {
      const answer = await call(name, input, options);
      return form === "answer" ? answer : answer.output;
    };
  }
  return root as unknown as Api<F>;
}

const camel = (word: string): string =>
  word.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
