import { createHash } from "node:crypto";
import { dottedGroups } from "#pipeline";
import { decodeEntry, type Entry, parseJson, payloadHash } from "#verifier";
import type { StoredEntry } from "../queries.ts";

/** What an entry can be found by. Of several that a query names, the one that is likely to be rarest comes first. */
export const FIELDS = [
  "request",
  "session",
  "resource",
  "actor",
  "action",
  "kind",
  "outcome",
] as const;
export type Field = (typeof FIELDS)[number];

/** A field and one of its values. */
export type Attribute = readonly [Field, string];

/** Fields that the payload has a part in: an erased payload takes it along. */
const OF_PAYLOAD: ReadonlySet<Field> = new Set(["session", "resource"]);

/** Refs that name no resource. */
const NO_RESOURCE: ReadonlySet<string> = new Set(["request", "decision", "first", "last"]);

interface Resource {
  readonly type: string;
  readonly id: string;
}

/**
 * Everything that an entry can be found by: what its bytes say, and the resource that was decided about, which only its
 * payload has. A session's entries are those that it made and those about it.
 */
export function attributesOf(entry: Entry, payload: unknown): Attribute[] {
  const { actor, action, kind, outcome, refs } = entry;
  const resources = resourcesOf(refs, payload);
  const sessions = resources.filter(({ type }) => type === SESSION).map(({ id }) => id);
  if (actor.startsWith(`${SESSION}:`)) sessions.push(actor.slice(SESSION.length + 1));
  const values: Record<Field, readonly string[]> = {
    request: refs["request"] === undefined ? [] : [refs["request"]],
    session: sessions,
    resource: resources.map(({ type, id }) => `${type}:${id}`),
    actor: [actor],
    action: [action, ...dottedGroups(action)],
    kind: [kind],
    outcome: [outcome],
  };
  return FIELDS.flatMap((field) =>
    [...new Set(values[field])].map((value): Attribute => [field, value]),
  );
}

const SESSION = "AgentSession";

function resourcesOf(refs: Entry["refs"], payload: unknown): Resource[] {
  const named = Object.entries(refs)
    .filter(([name]) => !NO_RESOURCE.has(name))
    .map(([name, id]) => ({ type: typeOf(name), id }));
  const { type, id } =
    (payload as { decision?: { resource?: Partial<Resource> } | null } | null)?.decision
      ?.resource ?? {};
  return typeof type === "string" && typeof id === "string" ? [{ type, id }, ...named] : named;
}

/** `agent_session` is what policies call `AgentSession`. */
const typeOf = (ref: string): string =>
  ref
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");

/** An entry that can be read; somebody may have changed one so that it cannot. */
export function entryOf(bytes: Uint8Array): Entry | undefined {
  try {
    return decodeEntry(bytes);
  } catch {
    return undefined;
  }
}

/** The payload that an entry sealed; null when it was erased, or is another one. */
export function sealedPayload(entry: Entry, { salt, payload }: StoredEntry): unknown {
  if (salt === null || payload === null) return null;
  return payloadHash(salt, payload) === entry.payload_hash ? parsed(payload) : null;
}

export function parsed(payload: string): unknown {
  try {
    return parseJson(payload);
  } catch {
    return null;
  }
}

/** What a query asks for: all of it, between two times (milliseconds since 1970, the second excluded). */
export interface Filter {
  /** In the order of FIELDS, each at most once. */
  readonly attributes: readonly Attribute[];
  readonly since_ms?: number | undefined;
  readonly until_ms?: number | undefined;
}

export const hasTimes = ({ since_ms, until_ms }: Filter): boolean =>
  since_ms !== undefined || until_ms !== undefined;

export const isEmpty = (filter: Filter): boolean =>
  filter.attributes.length === 0 && !hasTimes(filter);

/** Whether an entry may be one that is asked for, as far as its bytes tell. */
export function mayMatch(filter: Filter, entry: Entry): boolean {
  const { since_ms = Number.NEGATIVE_INFINITY, until_ms = Number.POSITIVE_INFINITY } = filter;
  const time_ms = Date.parse(entry.time);
  const known = filter.attributes.filter(([field]) => !OF_PAYLOAD.has(field));
  return time_ms >= since_ms && time_ms < until_ms && hasAll(known, attributesOf(entry, null));
}

/** Whether an entry is one that is asked for: by what was sealed, not by what led to it. */
export function matches(filter: Filter, stored: StoredEntry): boolean {
  if (isEmpty(filter)) return true;
  const entry = entryOf(stored.entry);
  if (entry === undefined || !mayMatch(filter, entry)) return false;
  const wanted = filter.attributes.filter(([field]) => OF_PAYLOAD.has(field));
  return wanted.length === 0 || hasAll(wanted, attributesOf(entry, sealedPayload(entry, stored)));
}

const hasAll = (wanted: readonly Attribute[], attributes: readonly Attribute[]): boolean =>
  wanted.every(([field, value]) => attributes.some((one) => one[0] === field && one[1] === value));

/** What stands for an attribute in the index: a signed number of 64 bits. Two that share one only cost a look more. */
export function termOf([field, value]: Attribute): bigint {
  const key = `${field}\n${value}`;
  const known = terms.get(key);
  if (known !== undefined) return known;
  const term = createHash("sha256").update(key).digest().readBigInt64BE();
  if (FEW_VALUES.has(field)) {
    if (terms.size >= TERMS_MAX) terms.clear();
    terms.set(key, term);
  }
  return term;
}

/** Fields whose values come again and again. */
const FEW_VALUES: ReadonlySet<Field> = new Set(["actor", "action", "kind", "outcome"]);
const TERMS_MAX = 10_000;
const terms = new Map<string, bigint>();
