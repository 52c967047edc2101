import { createHash } from "node:crypto";
import type { Tx } from "#kernel/db.ts";
import { Refusal } from "#kernel/refusal.ts";
import { canonicalJson } from "#verifier";
import { callOf } from "./4-action.ts";
import type { Chain } from "./chain.ts";
import type { Parts } from "./parts.ts";

const TAG_LENGTH = 22;

/** The entity tag (RFC 9110) of an output: the first 132 bits of SHA-256 over its RFC 8785 form, in base64url. */
export const etagOf = (output: unknown): string =>
  `"${createHash("sha256").update(canonicalJson(output)).digest("base64url").slice(0, TAG_LENGTH)}"`;

/** Whether a list of tags, as in If-Match and If-None-Match, names this one. */
export const namesTag = (list: string, etag: string): boolean =>
  list.trim() === "*" || list.split(",").some((tag) => tag.trim() === etag);

/** Refuses a precondition that the operation cannot check: ignoring it would lose somebody's update. */
export function refuseUncheckable({ incoming, operation }: Chain): void {
  if (incoming.ifMatch !== undefined && operation.current === undefined)
    throw new Refusal(
      "request/no_precondition",
      400,
      "If-Match cannot be checked for this operation",
      { operation: operation.name },
      "Send the call without If-Match.",
    );
}

/** Stops a call whose caller has seen another state of the resource than it is in now. */
export async function checkPrecondition(parts: Parts, chain: Chain, tx: Tx): Promise<void> {
  const { ifMatch } = chain.incoming;
  if (ifMatch === undefined) return;
  const found = etagOf(await chain.operation.current!({ ...callOf(parts, chain), tx }));
  if (!namesTag(ifMatch, found))
    throw new Refusal(
      "action/changed",
      412,
      "The resource is not in the state that If-Match names",
      { if_match: ifMatch, found },
      "Read it again, look at what changed, and send the call with its new ETag.",
    );
}
