import type { ReadResourceResult } from "@modelcontextprotocol/server";
import type { Operation, Parts } from "#pipeline";
import { invoke } from "../invoke.ts";
import type { Asking } from "./catalog.ts";
import { marked } from "./marked.ts";
import { unknownResource } from "./refusals.ts";
import { facts } from "./result.ts";

/** Operations that are resources, too: the one choice that this face makes by hand. `{name}` is an input field. */
const RESOURCES: Readonly<Record<string, string>> = {
  "authz.decision.get": "sealbase://decisions/{id}",
  "ledger.entry.get": "sealbase://entries/{id}",
  "authz.policy.get": "sealbase://policies/active",
};

/** An operation that is read by URI. */
export interface Readable {
  readonly operation: Operation;
  readonly uri: string;
  readonly pattern: RegExp;
}

const FIELD = /\{(\w+)\}/g;
/** Marked for models, as every text of ours, and so not JSON as a whole. */
const TYPE = "text/plain";

export function readables(operations: readonly Operation[]): Readable[] {
  return Object.entries(RESOURCES).map(([name, uri]) => {
    const operation = operations.find((one) => one.name === name);
    if (operation === undefined)
      throw new Error(`${uri} is drawn from ${name}, which there is not`);
    return { operation, uri, pattern: new RegExp(`^${uri.replaceAll(FIELD, "(?<$1>[^/?#]+)")}$`) };
  });
}

const isTemplate = ({ uri }: Readable): boolean => uri.includes("{");
const shown = ({ operation }: Readable) => ({
  name: operation.name,
  description: operation.summary,
  mimeType: TYPE,
});

export const resourcesOf = (all: readonly Readable[]) =>
  all.filter((one) => !isTemplate(one)).map((one) => ({ uri: one.uri, ...shown(one) }));

export const templatesOf = (all: readonly Readable[]) =>
  all.filter(isTemplate).map((one) => ({ uriTemplate: one.uri, ...shown(one) }));

/** Reading a resource is a call of its operation. Throws the refusal. */
export async function readResource(
  parts: Parts,
  all: readonly Readable[],
  uri: string,
  { credential, address, requestId, signal }: Asking,
): Promise<ReadResourceResult> {
  for (const { operation, pattern } of all) {
    const found = pattern.exec(uri);
    if (found === null) continue;
    const input = { ...found.groups };
    const { outcome, refusal } = await invoke(parts, operation, {
      credential,
      address,
      requestId,
      signal,
      input,
    });
    if (refusal !== undefined) throw refusal;
    const contents = [{ uri, mimeType: TYPE, text: marked(outcome.output) }];
    return { contents, _meta: facts(outcome) };
  }
  throw unknownResource(uri);
}
