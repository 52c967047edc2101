import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ROOT } from "#kernel/ids.ts";
import { Refusal } from "#kernel/refusal.ts";
import { etagOf, logMissing, namesTag, type Operation, type Parts } from "#pipeline";
import { tilePath } from "#verifier";
import { callOf, leavingSignal } from "../incoming.ts";
import { invoke, refusalFor } from "../invoke.ts";
import { answer, requestIdOf } from "../rest/problem.ts";
import { TileCache } from "./cache.ts";
import { type LogFile, logFiles, type Read } from "./files.ts";

const PROJECT = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const YEAR_S = 31_536_000;

interface Route {
  readonly Params: { readonly log: string };
}

/**
 * Logs as static files (c2sp.org/tlog-tiles), each under its own name: `ORIGIN/log/PROJECT` is at `/log/PROJECT`, the root log at `/log/root`. With a key
 * of the project a file is read by its operation, like any read; without one, as far as the project shows its log to everybody.
 */
export function addTlog(
  app: FastifyInstance,
  parts: Parts,
  operations: readonly Operation[],
): void {
  const fileOf = logFiles(operations);
  const cache = new TileCache();
  const handler = async (request: FastifyRequest<Route>, reply: FastifyReply) => {
    const { log } = request.params;
    const isRoot = log === ROOT.name;
    const project = isRoot ? ROOT.id : log;
    // As it was sent: a path has one spelling.
    const path = request.url.split("?")[0]!.slice(`/log/${log}/`.length);
    const file = fileOf(path);
    try {
      if (file === undefined) throw badPath(path);
      // The root log has one name, so that it has one path.
      if (log === ROOT.id || !PROJECT.test(project)) throw logMissing();
      // The root log is no project's, so no key is.
      return isRoot || request.headers.authorization === undefined
        ? await forStranger(parts, cache, { project, file }, request, reply)
        : await forCaller(parts, { project, file }, request, reply);
    } catch (error) {
      const requestId = requestIdOf(request);
      return refuse(request, reply, refusalFor(error, parts.log, requestId));
    }
  };
  app.get("/log/:log/checkpoint", handler);
  app.get("/log/:log/tile/*", handler);
}

interface Wanted {
  readonly project: string;
  readonly file: LogFile;
}

async function forCaller(
  parts: Parts,
  { project, file }: Wanted,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const incoming = callOf(parts, request.raw);
  const signal = leavingSignal(reply.raw);
  const { input } = file;
  const result = await invoke(parts, file.operation, { ...incoming, input, signal });
  if (result.refusal !== undefined) throw result.refusal;
  const { output, requestId, id } = result.outcome;
  // A key reads the log of its own project, whichever path it is sent to.
  if (!(output as Read).log.endsWith(`/log/${project}`)) throw logMissing();
  reply.header("X-Request-Id", requestId).header("Sealbase-Call", id);
  return send(request, reply, file, file.bytes(output), "private");
}

async function forStranger(
  parts: Parts,
  cache: TileCache,
  { project, file }: Wanted,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { strangers } = parts;
  const { operation, tile } = file;
  if (tile === undefined)
    return send(
      request,
      reply,
      file,
      file.bytes(await strangers.read(operation, project, {})),
      "public",
    );
  if (strangers.shows(operation, project)) {
    const cached = cache.get(project, tile);
    if (cached !== undefined) return send(request, reply, file, cached, "public");
  }
  // As wide as there is, whatever was asked for: one reading serves all widths.
  const { width: _, ...place } = file.input;
  const output = await strangers.read(operation, project, place);
  const read = { width: (output as Read).width, bytes: file.bytes(output) };
  const bytes = cache.put(project, tile, read);
  if (bytes === undefined) throw notThere(tilePath(tile));
  return send(request, reply, file, bytes, "public");
}

/** Sends a file that is there, or says that the caller has it. */
function send(
  request: FastifyRequest,
  reply: FastifyReply,
  file: LogFile,
  bytes: Buffer,
  readers: "public" | "private",
): FastifyReply {
  const tag = tagOf(file, bytes);
  reply
    .header("ETag", tag)
    .header("Vary", "Authorization")
    .header("X-Content-Type-Options", "nosniff")
    .header(
      "Cache-Control",
      file.tile === undefined ? "no-cache" : `${readers}, max-age=${YEAR_S}, immutable`,
    );
  if (isKnown(request, tag)) return reply.code(304).send();
  return reply.type(file.type).send(bytes);
}

/** A tile's place says what is in it for ever; a checkpoint's tag is made of what it says. */
const tagOf = ({ tile }: LogFile, bytes: Buffer): string =>
  tile === undefined ? etagOf(bytes.toString()) : `"${tilePath(tile)}"`;

const isKnown = ({ headers }: FastifyRequest, tag: string): boolean =>
  namesTag(headers["if-none-match"] ?? "", tag);

function refuse(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  reply.header("Cache-Control", "no-store");
  return answer(reply, refusal, requestIdOf(request));
}

const badPath = (path: string) =>
  new Refusal(
    "request/bad_tile_path",
    400,
    "This is no path of a tile",
    { path: path.slice(0, 200) },
    "Write it as c2sp.org/tlog-tiles does: tile/0/x001/234, tile/entries/000.p/17.",
  );

const notThere = (tile: string) =>
  new Refusal(
    "action/tile_missing",
    404,
    "The published log does not reach as far as this tile",
    { tile },
    "Ask for what the newest checkpoint's size has.",
  );
