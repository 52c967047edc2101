import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type ExecutionResult, execute, subscribe } from "graphql";
import {
  handleProtocols,
  makeServer,
  type Server,
  type Context as SocketContext,
  type SubscribePayload,
} from "graphql-ws";
import { type WebSocket, WebSocketServer } from "ws";
import { Refusal } from "#kernel/refusal.ts";
import { cancelled, type Parts, Suspicion } from "#pipeline";
import { callHeaders } from "../incoming.ts";
import { tooManySockets } from "../realtime/refusals.ts";
import { DEPTH_MAX, depthOf, readJson } from "../rest/json.ts";
import { refuseUpgrade } from "../upgrades.ts";
import type { Asking, Context } from "./call.ts";
import { shownError } from "./errors.ts";
import { type Face, shownResult, shownResults } from "./face.ts";
import {
  SOCKET_FRAME_BYTES_MAX,
  SOCKET_INIT_MS,
  SOCKET_OPERATIONS_MAX,
  SOCKET_PING_MS,
  SOCKETS_MAX,
} from "./limits.ts";
import { readParameters } from "./parameters.ts";

/** What graphql-ws carries for a socket. */
interface Extra {
  readonly socket: WebSocket;
  readonly address: string | undefined;
  readonly signal: AbortSignal;
}

/** A context whose operation can be ended before its socket. */
type Ending = Context & { readonly end: AbortController };

export interface Sockets {
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

/** The protocol graphql-transport-ws, for whoever wants many operations on one connection. */
export function openSockets(face: Face, parts: Parts): Sockets {
  const server = serverOf(face, parts);
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: SOCKET_FRAME_BYTES_MAX,
    // A frame that unpacks to more than it seems costs memory that nobody counted.
    perMessageDeflate: false,
    handleProtocols,
  });
  return {
    accept(request, socket, head) {
      if (sockets.clients.size >= SOCKETS_MAX)
        return refuseUpgrade(socket, tooManySockets(SOCKETS_MAX));
      sockets.handleUpgrade(request, socket, head, (client) =>
        attend(server, client, parts.addressOf(request)),
      );
    },
    close() {
      for (const client of sockets.clients) client.close(1_001, "the server stops");
    },
  };
}

function serverOf(face: Face, parts: Parts): Server<Extra> {
  return makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: SOCKET_INIT_MS,
    async onConnect({ connectionParams, extra }) {
      const { credential, requestId } = headersOf(connectionParams, extra);
      try {
        await parts.authenticate(credential, false);
        return true;
      } catch (error) {
        if (error instanceof Suspicion) parts.suspicions.add(error, requestId);
        else if (!(error instanceof Refusal)) throw error;
        return false;
      }
    },
    onSubscribe: (context, _, payload) => admitted(face, parts, context, payload),
    execute: async (args) => {
      const { sealbase } = args.contextValue as Ending;
      return shownResult(await execute(args), sealbase);
    },
    subscribe: async (args) => {
      const { sealbase, end } = args.contextValue as Ending;
      const found = await subscribe(args);
      if (!(Symbol.asyncIterator in found)) return shownResult(found, sealbase);
      return ending(shownResults(found, sealbase), end);
    },
  });
}

/** The key comes with the connection; an operation's other headers in its `extensions.headers`. */
function headersOf(
  params: SocketContext["connectionParams"],
  { address }: Extra,
  payload?: SubscribePayload,
) {
  const given = (payload?.extensions?.["headers"] ?? {}) as Record<string, unknown>;
  const { authorization } = { ...params };
  const texts = Object.entries({ ...given, authorization })
    .filter(([, value]) => typeof value === "string")
    .map(([name, value]) => [name.toLowerCase(), value]);
  return callHeaders(Object.fromEntries(texts), address);
}

async function admitted(
  face: Face,
  parts: Parts,
  { connectionParams, extra }: SocketContext<Record<string, unknown>, Extra>,
  payload: SubscribePayload,
) {
  const end = new AbortController();
  const sealbase: Asking = {
    parts,
    headers: headersOf(connectionParams, extra, payload),
    signal: AbortSignal.any([extra.signal, end.signal]),
    drop: () => extra.socket.terminate(),
    calls: [],
    mutations: [],
  };
  try {
    const parameters = readParameters(payload);
    const way = { method: "POST", accept: undefined };
    const { document } = await face.admit(parameters, sealbase, way);
    const contextValue: Ending = { sealbase, end };
    const { schema, hideSuggestions } = face;
    const { variables: variableValues, operationName } = parameters;
    return {
      schema,
      document: document.parsed,
      operationName,
      variableValues,
      contextValue,
      hideSuggestions,
    };
  } catch (error) {
    const errors: unknown[] = error instanceof AggregateError ? error.errors : [error];
    return errors.map((one) => shownError(one, parts.log, sealbase.headers.requestId));
  }
}

/** What waits for its next item hears of its end by the signal alone. */
function ending(results: AsyncGenerator<ExecutionResult>, end: AbortController) {
  const stop = results.return.bind(results);
  results.return = (value) => {
    end.abort(cancelled());
    return stop(value);
  };
  return results;
}

const CLOSE_TOO_MANY = 4_429;
const CLOSE_BAD_REQUEST = 4_400;
const CLOSE_FAILED = 4_500;

/** One client: what it may have under way is counted, and a connection that is half open is ended. */
function attend(server: Server<Extra>, socket: WebSocket, address: string | undefined): void {
  const left = new AbortController();
  /** A message is under way until its operation ends; one more than operations, so that they can be ended. */
  let underWay = 0;
  let alive = true;
  const ping = setInterval(() => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
  }, SOCKET_PING_MS).unref();
  socket.on("pong", () => (alive = true));
  socket.on("error", () => socket.terminate());
  const closed = server.opened(
    {
      protocol: socket.protocol,
      // Resolves when it was written: a slow reader's operation waits here, not in memory.
      send: (text) =>
        new Promise((resolve, reject) => {
          if (socket.readyState !== socket.OPEN) return resolve();
          socket.send(text, (error) => (error ? reject(error) : resolve()));
        }),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (hear) =>
        socket.on("message", (data: Buffer) => {
          const text = data.toString();
          if (underWay > SOCKET_OPERATIONS_MAX)
            return socket.close(CLOSE_TOO_MANY, "Too many operations under way");
          if (depthOf(text) > DEPTH_MAX) return socket.close(CLOSE_BAD_REQUEST, "Nested too deep");
          const message = messageOf(text);
          if (message === undefined)
            return socket.close(CLOSE_BAD_REQUEST, "Invalid message received");
          underWay++;
          // Read already: what graphql-ws parses itself may get other keys than were sent.
          hear(message as unknown as string)
            .catch(() => socket.close(CLOSE_FAILED, "The message could not be handled"))
            .finally(() => underWay--);
        }),
    },
    { socket, address, signal: left.signal },
  );
  socket.once("close", (code, reason) => {
    clearInterval(ping);
    left.abort(cancelled());
    void closed(code, reason.toString()).catch(() => undefined);
  });
}

function messageOf(text: string): object | undefined {
  try {
    const message = readJson(text);
    return typeof message === "object" && message !== null ? message : undefined;
  } catch {
    return undefined;
  }
}
