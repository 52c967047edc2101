import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { newId } from "#kernel/ids.ts";
import type { Refusal } from "#kernel/refusal.ts";
import { cancelled, type Operation, openStream, type Parts } from "#pipeline";
import { parseJson } from "#verifier";
import { refusalFor } from "../invoke.ts";
import { problemOf } from "../rest/problem.ts";
import { type ClientFrame, clientFrame, itemFrame, type ServerFrame } from "./frames.ts";
import { badFrame, idle, idTaken, notAStream, tooManySubscriptions } from "./refusals.ts";

const SUBSCRIPTIONS_MAX = 32;
/** Bytes that wait for the network; a subscription takes its next item when there are fewer. */
const BUFFERED_BYTES_MAX = 262_144;
const DRAIN_MS = 20;
/** Frames of one turn of the event loop share a system call until they are as long as this. */
const GATHERED_BYTES_MAX = 16_384;
/** A client that takes nothing for this long while there is something to take has gone. */
const STALLED_MS = 60_000;
const PING_MS = 20_000;

/** In the range of close codes that applications may use (RFC 6455, 7.4.2). */
const CLOSE_REFUSED = 4_400;

/** One client's socket: its subscriptions, each a stream of its own, and nothing that grows with a client's slowness. */
export class RealtimeSocket {
  readonly #socket: WebSocket;
  /** What the socket writes to. */
  readonly #network: Duplex;
  readonly #parts: Parts;
  readonly #operations: ReadonlyMap<string, Operation>;
  readonly #subscriptions = new Map<string, AbortController>();
  #credential: string | undefined;
  readonly #address: string | undefined;
  #alive = true;
  #idle = false;
  #gathering = false;

  constructor(
    socket: WebSocket,
    network: Duplex,
    parts: Parts,
    operations: ReadonlyMap<string, Operation>,
    credential: string | undefined,
    address: string | undefined,
  ) {
    this.#socket = socket;
    this.#network = network;
    this.#parts = parts;
    this.#operations = operations;
    this.#credential = credential;
    this.#address = address;
    socket.on("message", (data: Buffer, isBinary) =>
      this.#hear(isBinary ? undefined : data.toString()),
    );
    socket.on("pong", () => {
      this.#alive = true;
    });
    const ping = setInterval(() => this.#ping(), PING_MS).unref();
    socket.on("error", () => socket.terminate());
    socket.once("close", () => {
      clearInterval(ping);
      for (const subscription of this.#subscriptions.values()) subscription.abort(cancelled());
    });
  }

  /** A half-open connection answers no ping: it is ended at the next one. So is one that wants nothing. */
  #ping(): void {
    if (!this.#alive) return this.#socket.terminate();
    if (this.#subscriptions.size === 0 && this.#idle) return this.#refuse(idle());
    this.#idle = this.#subscriptions.size === 0;
    this.#alive = false;
    this.#socket.ping();
  }

  #hear(text: string | undefined): void {
    const frame = parse(text);
    if (frame === undefined) return this.#refuse(badFrame());
    switch (frame.type) {
      case "hello":
        this.#credential = frame.key;
        return;
      case "unsubscribe":
        this.#subscriptions.get(frame.id)?.abort(cancelled());
        return;
      case "subscribe":
        void this.#subscribe(frame);
    }
  }

  async #subscribe(frame: Extract<ClientFrame, { type: "subscribe" }>): Promise<void> {
    const { id, input, request_id: requestId = newId() } = frame;
    const operation = this.#operations.get(frame.operation);
    if (this.#subscriptions.has(id)) return this.#refuse(idTaken(id), undefined, requestId);
    if (operation === undefined) return this.#refuse(notAStream(frame.operation), id, requestId);
    if (this.#subscriptions.size >= SUBSCRIPTIONS_MAX)
      return this.#refuse(tooManySubscriptions(SUBSCRIPTIONS_MAX), id, requestId);
    const controller = new AbortController();
    this.#subscriptions.set(id, controller);
    const { signal } = controller;
    try {
      const incoming = {
        credential: this.#credential,
        address: this.#address,
        requestId,
        input,
        signal,
      };
      const stream = await openStream(this.#parts, operation, incoming);
      this.#say({ type: "subscribed", id, call: stream.id });
      for await (const item of stream.items) {
        this.#gather();
        this.#socket.send(itemFrame(id, item as object), { binary: false });
        if (this.#socket.bufferedAmount > BUFFERED_BYTES_MAX) await this.#drained(signal);
      }
      this.#say({ type: "ended", id });
    } catch (error) {
      this.#refuse(refusalFor(error, this.#parts.log, requestId), id, requestId);
    } finally {
      this.#subscriptions.delete(id);
    }
  }

  #gather(): void {
    if (this.#gathering) {
      if (this.#network.writableLength < GATHERED_BYTES_MAX) return;
      this.#network.uncork();
      this.#network.cork();
      return;
    }
    this.#gathering = true;
    this.#network.cork();
    // After all that the streams have ready now.
    process.nextTick(() => {
      this.#gathering = false;
      this.#network.uncork();
    });
  }

  /** Waits until the network has taken what was sent, or ends a socket that takes nothing. */
  async #drained(signal: AbortSignal): Promise<void> {
    let left = this.#socket.bufferedAmount;
    let moved_ms = performance.now();
    while (left > BUFFERED_BYTES_MAX && !signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
      const now = this.#socket.bufferedAmount;
      if (now < left) moved_ms = performance.now();
      else if (performance.now() - moved_ms > STALLED_MS) this.#socket.terminate();
      left = now;
    }
  }

  #refuse(refusal: Refusal, id?: string, requestId: string = newId()): void {
    const problem = problemOf(refusal, requestId);
    this.#say(id === undefined ? { type: "refused", problem } : { type: "refused", id, problem });
    if (id === undefined) this.#socket.close(CLOSE_REFUSED, refusal.code);
  }

  #say(frame: ServerFrame): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(frame));
  }
}

function parse(text: string | undefined): ClientFrame | undefined {
  if (text === undefined) return undefined;
  try {
    return clientFrame.safeParse(parseJson(text)).data;
  } catch {
    return undefined;
  }
}
