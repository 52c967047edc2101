import type { SealbaseRefusal } from "./errors.ts";
import type { Operations } from "./operations.ts";

/** What a method gives: the output alone, or the answer with what is known of the call. */
export type Form = "output" | "answer";

/** Where an operation is found. */
export interface Route {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** With `{names}` of input fields. */
  readonly path: string;
  readonly kind: "read" | "write" | "stream";
  /** Input field of a stream that takes the place to go on after. */
  readonly resume?: string;
}

export interface CallOptions {
  /** Ends the call, whatever it is waiting for. */
  readonly signal?: AbortSignal;
  /** Of one attempt, in milliseconds. */
  readonly timeout_ms?: number;
  /** Attempts after the first. */
  readonly retries?: number;
  /** Of a write; one is made otherwise. Give that of a call that stayed unanswered, to learn what became of it. */
  readonly idempotencyKey?: string;
  /** Kept with everything that the call leaves; the server makes one otherwise. */
  readonly requestId?: string;
  /** What a write waits for: that it is on disk, or that a signed checkpoint covers it. */
  readonly acknowledge?: "durable" | "published";
}

/** What is known of a call beside its output. */
export interface Meta {
  /** Of the call, its decision, its score and its ledger entry; null for an array of calls. */
  readonly id: string | null;
  readonly requestId: string;
  readonly status: number;
  /** Where the entry stands in the log; null for reads, and for writes that did not wait. */
  readonly entry: { readonly index: number; readonly size: number } | null;
  /** True when this is the stored answer to an earlier call with the same Idempotency-Key. */
  readonly repeated: boolean;
  /** Milliseconds in the server, by step. */
  readonly timings_ms: Readonly<Record<string, number>>;
  /** How often the call was sent. */
  readonly attempts: number;
  readonly idempotencyKey: string | undefined;
}

export interface Answer<Output> {
  readonly output: Output;
  readonly meta: Meta;
}

/** What became of one item of an array. */
export type Result<Output> =
  | { readonly ok: true; readonly status: number; readonly output: Output }
  | { readonly ok: false; readonly status: number; readonly refusal: SealbaseRefusal };

export interface StreamOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal;
  /** Attempts to connect again after a break, until the next item comes. */
  readonly retries?: number;
  /** Kept with the stream's decision; the server makes one otherwise. */
  readonly requestId?: string;
}

/** A stream: its items as they come, for as long as they are read. */
export type Stream<Name extends keyof Operations> = (
  input?: Operations[Name]["input"],
  options?: StreamOptions,
) => AsyncGenerator<Operations[Name]["output"], void, undefined>;

type Given<F extends Form, Output> = Promise<F extends "answer" ? Answer<Output> : Output>;

/** One operation as a method. Operations that take many also take an array and give one result an item, in order. */
export type Method<Name extends keyof Operations, F extends Form> = One<
  Operations[Name]["input"],
  Operations[Name]["output"],
  F
> &
  (Operations[Name] extends { readonly many: true }
    ? Many<Operations[Name]["input"], Operations[Name]["output"], F>
    : unknown);

/** An input that may be empty may be left out. */
type One<Input, Output, F extends Form> =
  Record<string, never> extends Input
    ? (input?: Input, options?: CallOptions) => Given<F, Output>
    : (input: Input, options?: CallOptions) => Given<F, Output>;

type Many<Input, Output, F extends Form> = (
  inputs: readonly Input[],
  options?: CallOptions,
) => Given<F, readonly Result<Output>[]>;
