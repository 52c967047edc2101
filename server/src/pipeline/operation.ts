import type { z } from "zod";
import type { Append } from "#kernel/append.ts";
import type { Tx } from "#kernel/db.ts";
import type { Paging } from "#kernel/page.ts";
import type { Ports, Principal, Question, Readers, ScoreSubject } from "./ports.ts";

/** What an operation's own code knows of the call it runs in. */
export interface Call<Input> {
  /** UUIDv7 of the call: also the id of its decision, its score and its ledger entry. */
  readonly id: string;
  readonly requestId: string;
  /** Milliseconds since 1970 at which the call was admitted; everything it writes carries this time. */
  readonly time_ms: number;
  readonly principal: Principal;
  /** What step 2 decided about this call. */
  readonly question: Question;
  readonly input: Input;
  readonly ports: Ports;
  /** Whether the caller may read this call's chain, and so everything that decisions in it knew. */
  mayReadWhy(): Promise<boolean>;
  /** What step 3 found; null when the operation is not scored. */
  readonly score: {
    readonly value: number;
    readonly level: string;
    readonly reasons: readonly string[];
  } | null;
}

/** A call whose action works inside the call's transaction. */
export interface TxCall<Input> extends Call<Input> {
  readonly tx: Tx;
  /** What `prepare` gave; undefined without one. */
  readonly prepared?: unknown;
}

/** A call whose items come for as long as its caller wants them. */
export interface StreamCall<Input> extends Call<Input> {
  /** Aborts when the caller left or the server stops. */
  readonly signal: AbortSignal;
  /** Where the caller is. */
  readonly address: string | undefined;
  /**
   * Who the caller is at this revision of the project. Ask before items that were read at another revision are handed
   * over: throws the refusal when the key has ended or the policies do not allow the stream any more.
   */
  principalAt(revision: number): Promise<Principal>;
}

/** What the action was about, so that it can be found by its own id, too. */
export interface Subject {
  readonly type: string;
  readonly id: string;
}

/** What an append-only action returns: it needs to see nothing, so many calls share one commit. */
export interface Recorded<Output> {
  readonly output: Output;
  readonly rows: readonly Append[];
  readonly subject?: Subject;
}

/** How a stream ends. */
export interface Ending {
  /** A caller waits for it at most so long. */
  readonly seconds_max: number;
  /** Of an item that says only how far it is: from 0 to 1; null for a part of the answer. */
  readonly fraction: (item: never) => number | null;
  /** Whether it is the item for which the others were: without it nothing came of the stream. */
  readonly isLast: (item: never) => boolean;
}

/**
 * One thing the system can do. A domain lists its operations and every face is drawn from the list, so it is
 * written once, in the order in which it runs.
 */
export interface Operation<In extends z.ZodType = z.ZodType, Out extends z.ZodType = z.ZodType> {
  /** `domain.noun.verb`: also the policy action and the metric label. */
  readonly name: `${string}.${string}.${string}`;
  /** One sentence for OpenAPI, `operations` and the command line. */
  readonly summary: string;
  /** The only place where a path is chosen. */
  readonly rest: `${"GET" | "POST" | "PATCH" | "DELETE"} /v1/${string}`;
  readonly kind: "read" | "write" | "stream";
  /** HTTP status of success; 200 unless told. 202: the output is a job, which says how far it is. */
  readonly status?: 200 | 201 | 202;
  /** Also accepts an array of inputs, at most this many; each is a call of its own. */
  readonly manyMax?: number;
  /** Changes keys, policies or the threshold: what was decided in the project before is stale. */
  readonly raisesRevision?: true;
  /** Agents may not call it, whatever the policies say: it would widen their own bounds. */
  readonly agents?: "never";
  /** Works across the projects of the principal's organization. */
  readonly scope?: "organization";
  readonly input: In;
  readonly output: Out;
  /** How a list is paged; its output is `page.output`. */
  readonly page?: Paging;
  /** How a stream goes on after a break: the item's offset, given in this input field. */
  readonly resume?: {
    readonly input: string;
    readonly offset: (item: never) => string | number;
  };
  /** A stream that comes to an end by itself, with what it was called for: a face that gives one answer waits for that. */
  readonly ends?: Ending;
  /** What of the input its entry holds, where the rest is what other entries hold already. */
  sealedInput?(input: z.output<In>): unknown;
  /** Output fields that are shown once and stored nowhere. */
  readonly secrets?: readonly string[];

  /** Step 2: what is being done to what. The action is the operation's name. */
  readonly policy: {
    readonly resource: {
      readonly type: string;
      readonly id: (call: { input: z.output<In>; principal: Principal }) => string;
    };
    /** Fields of the input that conditions may read: integers, strings, booleans and sets of them. */
    readonly context?: readonly string[];
  };
  /** Step 3: what the scorer weighs, or that nothing is. */
  readonly score: "none" | ((input: z.output<In>) => ScoreSubject);
  /**
   * Step 4 before its transaction begins, for work that takes long: no connection and no lock is held meanwhile. Runs
   * again when the call is decided again; the action gets what it gave.
   */
  prepare?(call: Call<z.output<In>>): Promise<unknown>;
  /** Step 4, inside the call's transaction. */
  action?(call: TxCall<z.output<In>>): Promise<z.input<Out>>;
  /** Step 4 for an action that only adds rows and sees none, so that concurrent calls share a commit. */
  record?(call: Call<z.output<In>>): Recorded<z.input<Out>> | Promise<Recorded<z.input<Out>>>;
  /** Step 4 of a stream; `output` is the shape of one item. */
  stream?(call: StreamCall<z.output<In>>): AsyncIterable<z.input<Out>>;
  /**
   * Whoever has no key may read it, too, where the project shows as much as is needed: the same output, drawn from the
   * transaction, the input and the ports alone, recorded nowhere.
   */
  readonly strangers?: {
    readonly need: Exclude<Readers, "none">;
    read(call: Pick<TxCall<z.output<In>>, "tx" | "input" | "ports">): Promise<z.input<Out>>;
  };
  /** What an If-Match is compared with: the resource as its reader would get it now, locked until the call ends. */
  current?(call: TxCall<z.output<In>>): Promise<unknown>;
  /** What a transaction's action was about. */
  subject?(output: z.output<Out>): Subject;
}

/** Checks an operation against its own input and output, then forgets them, so that a list can hold all. */
export function operation<In extends z.ZodType, Out extends z.ZodType>(
  op: Operation<In, Out> & {
    readonly policy: { readonly context?: readonly (keyof z.output<In> & string)[] };
  } & (
      | Pick<Required<Operation<In, Out>>, "action">
      | Pick<Required<Operation<In, Out>>, "record">
      | (Pick<Required<Operation<In, Out>>, "stream"> & { readonly kind: "stream" })
    ),
): Operation {
  return op;
}
