import { createHash } from "node:crypto";
import type { Tx } from "#kernel/db.ts";
import { canonicalJson, parseJson } from "#verifier";
import type { Diagnostic } from "../cedar/diagnostics.ts";
import { plain } from "../cedar/diagnostics.ts";
import {
  CEDAR_VERSION,
  checkPolicies,
  type Link,
  type Places,
  type PolicySetJson,
  readPolicies,
  validatePolicies,
} from "../cedar/policies.ts";
import { joinSchema, type SchemaJson } from "../cedar/schemas.ts";
import { DEFAULT_POLICIES } from "../default-policies.ts";
import { policyDocument } from "../document.ts";
import { LIMITS } from "../engine/index.ts";
import { ENGINE_TEXT } from "../queries.ts";
import { PLATFORM_SCHEMA } from "../schema/platform.ts";
import { untraceable } from "../trace-size.ts";
import {
  activateVersion,
  insertVersion,
  makeSet,
  markValidated,
  type NewVersion,
  type SetVersion,
} from "./queries.ts";

/** The set that decides about the platform's own operations. */
export const DEFAULT_SET = "default";

/** Policies as a caller gives them: Cedar's text with the links of its templates, or Cedar's JSON. */
export type Written =
  | { readonly text: string; readonly links: readonly Link[] }
  | { readonly document: PolicySetJson };

/** Policies that Cedar has read. */
export interface Read {
  readonly document: PolicySetJson;
  /** Their text and where each stands in it; null when there is none. */
  readonly source: { readonly text: string; readonly places: Places } | null;
}

/** Throws `action/bad_policies`. */
export async function read(written: Written): Promise<Read> {
  if ("document" in written) {
    await checkPolicies(written.document);
    return { document: written.document, source: null };
  }
  const { text, links } = written;
  const { document, places } = await readPolicies(text, links);
  return { document, source: { text, places } };
}

/** A stored version, to be validated: with its text, so that findings have places. */
export async function reread(version: Pick<SetVersion, "document" | "source">): Promise<Read> {
  const document: PolicySetJson = parseJson(version.document);
  if (version.source === null) return { document, source: null };
  const { document: said, places } = await readPolicies(version.source, document.templateLinks);
  // What decides is the document: a text that says something else is nobody's.
  if (canonicalJson(said) !== version.document) return { document, source: null };
  return { document, source: { text: version.source, places } };
}

/** What stands against policies: Cedar's strict validation, then what the evaluator does not decide or costs too much. */
export async function validate(
  { document, source }: Read,
  schema: SchemaJson,
): Promise<Diagnostic[]> {
  const decided = policyDocument.safeParse(document);
  const undecided: Diagnostic[] = (decided.error?.issues ?? []).map(({ path, message }) =>
    plain(
      path.length === 0 ? message : `${message} (${path.join(".")})`,
      path.length > 1 ? String(path[1]) : null,
      "Write it otherwise, shorter, or in several policies.",
    ),
  );
  if (decided.success) undecided.push(...untraceable(decided.data, schema));
  if (countOf(document) > LIMITS.policies + LIMITS.templates) return undecided;
  const found: Diagnostic[] = [];
  for (const part of inParts(document))
    found.push(...(await validatePolicies(part, schema, source ?? undefined)));
  // A template is looked at alone and with its links.
  const distinct = new Map(found.map((one) => [canonicalJson(one), one]));
  return [...distinct.values(), ...undecided];
}

/** Cedar looks at each policy for each kind of principal, action and resource: between two parts others have their turn. */
const PART_POLICIES = 100;
const PART_CHARACTERS = 65_536;

function* inParts({
  staticPolicies,
  templates = {},
  templateLinks = [],
}: PolicySetJson): Generator<PolicySetJson> {
  for (const some of parted(Object.entries(staticPolicies)))
    yield { staticPolicies: Object.fromEntries(some) };
  for (const some of parted(Object.entries(templates)))
    yield { staticPolicies: {}, templates: Object.fromEntries(some) };
  for (const links of parted(templateLinks.map((link) => [link.newId, link] as const))) {
    const used = new Set(links.map(([, { templateId }]) => templateId));
    yield {
      staticPolicies: {},
      templates: Object.fromEntries(Object.entries(templates).filter(([id]) => used.has(id))),
      templateLinks: links.map(([, link]) => link),
    };
  }
}

/** Bounded by what they say, too: each costs as much as it is long. */
function parted<T extends readonly [string, object]>(all: readonly T[]): T[][] {
  const parts: T[][] = [];
  let characters = 0;
  for (const one of all) {
    const { length } = JSON.stringify(one);
    characters += length;
    const last = parts.at(-1);
    if (last !== undefined && last.length < PART_POLICIES && characters <= PART_CHARACTERS)
      last.push(one);
    else {
      parts.push([one]);
      characters = length;
    }
  }
  return parts;
}

const countOf = ({ staticPolicies, templates = {}, templateLinks = [] }: PolicySetJson): number =>
  Object.keys(staticPolicies).length + Object.keys(templates).length + templateLinks.length;

export const isValid = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.every(({ severity }) => severity !== "error");

/** The project's part of a schema as it is given. */
export type OwnSchema = string | SchemaJson | null;

/** A project's own schema as it is stored: text as written, JSON as canonical JSON. */
export const ownSchemaText = (own: OwnSchema): string | null =>
  own === null || typeof own === "string" ? own : canonicalJson(own);

/** The way back: JSON begins with a brace, as no text of a schema does. */
export const ownSchemaOf = (stored: string | null): OwnSchema =>
  stored?.startsWith("{") ? parseJson(stored) : stored;

/** The platform's schema with the project's own. Throws `action/bad_schema`. */
export const schemaWith = (own: OwnSchema): Promise<SchemaJson> => joinSchema(PLATFORM_SCHEMA, own);

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

const stored = (json: unknown): { text: string; hash: Buffer } => {
  const text = canonicalJson(json);
  return { text, hash: sha256(text) };
};

/** What is stored of policies; it never changes. */
export function newVersion(
  { document: policies, source }: Read,
  schema: SchemaJson,
  more: Pick<NewVersion, "ownSchema" | "base" | "createdBy">,
): NewVersion {
  const { text: document, hash } = stored(policies);
  return {
    ...more,
    document,
    hash,
    source: source?.text ?? null,
    schema: schema === PLATFORM_SCHEMA ? platform() : stored(schema),
    engine: ENGINE_TEXT,
    cedar: CEDAR_VERSION,
  };
}

let platformStored: { text: string; hash: Buffer } | undefined;
const platform = () => (platformStored ??= stored(PLATFORM_SCHEMA));

/** What a new project decides by. A test validates these policies, so that no project waits for it. */
export async function activateDefault(
  tx: Tx,
  { id: tenantId, createdBy }: { id: string; createdBy: string },
): Promise<void> {
  const setId = await makeSet(tx, tenantId, DEFAULT_SET);
  const policies = { document: DEFAULT_POLICIES, source: null };
  const more = { ownSchema: null, base: 0, createdBy };
  const { id } = await insertVersion(
    tx,
    tenantId,
    setId,
    newVersion(policies, PLATFORM_SCHEMA, more),
  );
  await markValidated(tx, id);
  await activateVersion(tx, setId, id);
}
