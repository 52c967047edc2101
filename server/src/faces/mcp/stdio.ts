import type { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { StdioServerTransport, serveStdio } from "@modelcontextprotocol/server/stdio";
import { newId } from "#kernel/ids.ts";
import type { Refusal } from "#kernel/refusal.ts";
import type { Parts } from "#pipeline";
import { BODY_BYTES_MAX } from "../rest/json.ts";
import type { Catalog } from "./catalog.ts";
import { boundedLines } from "./lines.ts";
import { principalOf } from "./principal.ts";
import { serverOf } from "./protocol.ts";
import { refusalShown } from "./result.ts";

/** Serves a catalog to the process that started this one, until it closes our input. Throws the refusal of a bad key. */
export async function serveOverStdio(
  parts: Parts,
  catalog: Catalog,
  credential: string,
  { input, output }: { readonly input: Readable; readonly output: Writable },
  signal: AbortSignal,
): Promise<void> {
  await principalOf(parts, credential, newId());
  const lines = boundedLines(BODY_BYTES_MAX, (refusal) => output.write(errorLine(refusal)));
  const transport = new StdioServerTransport(input.pipe(lines), output);
  const served = serveStdio(
    () => serverOf(catalog, { credential, address: undefined }, parts.log),
    {
      transport,
      maxSubscriptions: 0,
      onerror: (error) => parts.log.debug({ err: error }, "an MCP request was not served"),
    },
  );
  try {
    await finished(lines, { writable: false, signal }).catch((error) => {
      if (!signal.aborted) throw error;
    });
  } finally {
    await served.close();
    // An input that is still open would keep the process.
    input.destroy();
  }
}

const INVALID_REQUEST = -32_600;

function errorLine(refusal: Refusal): string {
  const error = {
    code: INVALID_REQUEST,
    message: refusal.message,
    data: refusalShown(refusal, newId()),
  };
  return `${JSON.stringify({ jsonrpc: "2.0", id: null, error })}\n`;
}
