import type { Tx } from "#kernel/db.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { Question } from "#pipeline";
import { parseJson } from "#verifier";
import { Malformed, PolicySet, type PolicySetJson, type Request, Schema } from "../engine/index.ts";
import { isEdited, versionChanged } from "../policy.ts";
import { completed, requestOf } from "../question.ts";
import { malformedQuestion, noPolicies, versionMissing } from "../refusals.ts";
import { readActiveOf, readSchema, readVersion, type SetVersion } from "../sets/queries.ts";
import { filterUnsupported } from "./refusals.ts";
import { Unsupported } from "./unsupported.ts";

/** A version that was strictly validated, with the schema that it was validated under. */
export interface Opened {
  readonly id: string;
  readonly number: number;
  readonly schemaHash: string;
  readonly policies: PolicySet;
  readonly schema: Schema;
  readonly document: PolicySetJson;
}

/** What a version says never changes: where its row does, that is refused before this is asked. */
const opened = new Map<string, Opened>();
const OPENED_MAX = 100;

/** The active version of a set, or one by its number. Its rows are compared with their hashes at each use. */
export async function openValidated(tx: Tx, set: string, number?: number): Promise<Opened> {
  const found =
    number === undefined ? await readActiveOf(tx, set) : await readVersion(tx, set, number);
  if (found === undefined)
    throw number === undefined ? noPolicies(set) : versionMissing(set, number);
  if (found.status === "draft") throw notStrict(found);
  if (found.schemaHash === null) throw versionChanged(found.id);
  const text = await readSchema(tx, found.schemaHash);
  if (text === undefined) throw versionChanged(found.id);
  if (isEdited(found)) throw versionChanged(found.id);
  const key = `${found.id} ${found.hash} ${found.schemaHash}`;
  const known = opened.get(key);
  if (known !== undefined) return known;
  const document = parseJson(found.document) as PolicySetJson;
  const { id, schemaHash } = found;
  const policies = new PolicySet(document);
  const schema = new Schema(parseJson(text));
  const made = { id, number: found.number, schemaHash, policies, schema, document };
  if (opened.size >= OPENED_MAX) opened.clear();
  opened.set(key, made);
  return made;
}

const notStrict = ({ set, number }: SetVersion) =>
  new Refusal(
    "action/version_not_validated",
    409,
    "This asks for policies that were strictly validated",
    { set, number, status: "draft" },
    "Send POST /v1/policies/{set}/versions/{number}/validate first.",
  );

/** What is asked, with whoever is open standing for anybody of the type. */
export function openRequest(
  asked: Question,
  schema: Schema,
  time_ms: number,
  open: readonly ("principal" | "resource")[],
): Request {
  return requestOf(completed(asked, schema, time_ms, open));
}

/** What cannot be asked or compiled, as a refusal. */
export function refusing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Malformed) throw malformedQuestion(error);
    if (error instanceof Unsupported) throw filterUnsupported(error);
    throw error;
  }
}
