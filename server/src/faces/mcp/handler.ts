import { type AuthInfo, createMcpHandler } from "@modelcontextprotocol/server";
import type { Log } from "#kernel/log.ts";
import { BODY_BYTES_MAX } from "../rest/json.ts";
import type { Caller, Catalog } from "./catalog.ts";
import { serverOf } from "./protocol.ts";

/** One HTTP request whose body was read and whose caller is known. */
export interface Posted {
  readonly request: Request;
  readonly body: unknown;
  readonly credential: string;
  readonly address: string | undefined;
}

export interface Handler {
  answer(posted: Posted): Promise<Response>;
  close(): Promise<void>;
}

/**
 * Streamable HTTP by the protocol's own library: 2026-07-28, and the revisions before it without state, so that any server
 * behind a balancer can answer any request.
 */
export function openHandler(catalog: Catalog, log: Log): Handler {
  const { fetch, close } = createMcpHandler(
    ({ authInfo }) => serverOf(catalog, callerOf(authInfo), log),
    {
      maxRequestBodySize: BODY_BYTES_MAX,
      // Lists change with a caller's key only, so there is nothing to subscribe to.
      maxSubscriptions: 0,
      onerror: (error) => log.debug({ err: error }, "an MCP request was not served"),
    },
  );
  return {
    answer: ({ request, body, credential, address }) =>
      fetch(request, {
        parsedBody: body,
        authInfo: { token: credential, clientId: "", scopes: [], extra: { address } },
      }),
    close,
  };
}

/** The caller, as the library hands it on. */
const callerOf = (info: AuthInfo | undefined): Caller => ({
  credential: info?.token,
  address: info?.extra?.["address"] as string | undefined,
});
