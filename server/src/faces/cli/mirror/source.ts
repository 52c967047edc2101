import { setTimeout as sleep } from "node:timers/promises";
import { Refusal } from "#kernel/refusal.ts";
import { parseTilePath, type TileFiles } from "#verifier";
import type { Session } from "../session.ts";
import { sourceFailed } from "./refusals.ts";

const TIMEOUT_MS = 30_000;
const ATTEMPTS_MAX = 4;
const RETRY_MS = 250;

/** Files of the project that the command's key belongs to, read beside its server. */
export function projectSource({ call }: Session): TileFiles {
  const read = async (operation: string, input: object, field: string) =>
    ((await call(operation, input)).output as Record<string, string>)[field]!;
  return {
    async read(path) {
      if (path === "checkpoint")
        return Buffer.from(await read("ledger.checkpoint.get", {}, "checkpoint"));
      const { level, index, width } = parseTilePath(path)!;
      try {
        const base64 =
          level === "entries"
            ? await read("ledger.bundle.get", { index, width }, "entries")
            : await read("ledger.tile.get", { level, index, width }, "hashes");
        return Buffer.from(base64, "base64");
      } catch (error) {
        if (error instanceof Refusal && error.code === "action/tile_missing") return undefined;
        throw error;
      }
    },
  };
}

/** Files of any tiled log over HTTP, `url` being what its paths begin with. Tries again when the server is not well. */
export function httpSource(url: string, key: string | undefined): TileFiles {
  const prefix = url.replace(/\/+$/, "");
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const once = async (path: string, bytesMax: number) => {
    const answer = await fetch(`${prefix}/${path}`, {
      headers,
      // A key is for whom it was given for.
      redirect: key === undefined ? "follow" : "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.ok) return bodyOf(answer, bytesMax);
    await answer.body?.cancel();
    if ((answer.status === 404 || answer.status === 410) && path !== "checkpoint") return undefined;
    const failed = sourceFailed(answer.url, `status ${answer.status}`);
    throw answer.status >= 500 || answer.status === 429 ? new Retry(failed) : failed;
  };
  return {
    async read(path, bytesMax) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await once(path, bytesMax);
        } catch (error) {
          if (error instanceof Refusal) throw error;
          if (attempt === ATTEMPTS_MAX) throw refusalOf(error, `${prefix}/${path}`);
          await sleep(RETRY_MS * 2 ** (attempt - 1));
        }
      }
    },
  };
}

class Retry extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

function refusalOf(error: unknown, url: string): Refusal {
  if (error instanceof Retry) return error.refusal;
  const { message, cause } = error as { message: string; cause?: { message?: string } };
  return sourceFailed(url, cause?.message ?? message);
}

/** No more than a file of its kind can have: a source may send anything. */
async function bodyOf(answer: Response, bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of answer.body ?? []) {
    length += part.length;
    if (length > bytesMax) throw sourceFailed(answer.url, `more than ${bytesMax} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
