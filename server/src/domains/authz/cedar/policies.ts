import { canonicalJson, JSON_DEPTH_MAX } from "#verifier";
import { type CedarError, type Diagnostic, diagnosticOf, plain } from "./diagnostics.ts";
import { CedarPool } from "./pool.ts";
import { badPolicies } from "./refusals.ts";
import { type Statement, statementsOf } from "./statements.ts";

/** One for the process: its thread is started at the first use, and ended when nobody uses it. */
export const cedar = new CedarPool();

/** Of the package, which a test compares: asking Cedar itself would start a thread. */
export const CEDAR_VERSION = "4.13.0";

/** Cedar's PolicySet as JSON, the form in which policies are stored. */
export interface PolicySetJson {
  readonly staticPolicies: Readonly<Record<string, object>>;
  readonly templates?: Readonly<Record<string, object>> | undefined;
  readonly templateLinks?: readonly Link[] | undefined;
}

export interface Link {
  readonly templateId: string;
  readonly newId: string;
  /** By slot: `?principal`, `?resource`. */
  readonly values: Readonly<
    Record<string, { readonly type: string; readonly id: string } | undefined>
  >;
}

/** Where each policy stands in its text, by id. */
export type Places = ReadonlyMap<string, Statement>;

/** A text as the policies that it says; ids are those of `@id("…")`, else policy0, policy1 … by their place. */
export async function readPolicies(
  text: string,
  links: readonly Link[] = [],
): Promise<{ document: PolicySetJson; places: Places }> {
  const statements = statementsOf(text);
  const { parsed, count } = await cedar.call("parse", text, statements);
  const wrong = parsed.flatMap((answer, i) =>
    answer.type === "failure"
      ? answer.errors.map((error) => inStatement(text, statements[i]!, error))
      : [],
  );
  if (wrong.length > 0) throw badPolicies(wrong);
  // What Cedar reads and what was cut must be one thing.
  if (count !== statements.length)
    throw badPolicies([
      plain(`Cedar finds ${count ?? "no"} policies here, not ${statements.length}`),
    ]);
  const places = new Map<string, Statement>();
  const ests: Record<"staticPolicies" | "templates", Record<string, object>> = {
    staticPolicies: {},
    templates: {},
  };
  for (const [i, answer] of parsed.entries()) {
    const statement = statements[i]!;
    const est = (answer as { json: { annotations?: Record<string, string> } }).json;
    const id = est.annotations?.["id"] ?? `policy${i}`;
    const message = places.has(id) ? `two policies have the id ${id}` : idError(id);
    if (message !== null)
      throw badPolicies([
        inStatement(text, statement, { message, help: 'Choose another @id("…").', ...HERE }),
      ]);
    places.set(id, statement);
    ests[statement.template ? "templates" : "staticPolicies"][id] = est;
  }
  const document = setOf(ests.staticPolicies, ests.templates, links);
  const unstorable = jsonError(document);
  if (unstorable !== null) throw badPolicies([plain(unstorable)]);
  if (links.length > 0 || statements.some(({ template }) => template)) await checkSet(document);
  return { document, places };
}

/** Policies that came as JSON: Cedar reads them, and no number in them would be rounded on the way. */
export async function checkPolicies(document: PolicySetJson): Promise<void> {
  const message = jsonError(document);
  if (message !== null) throw badPolicies([plain(message)]);
  for (const id of [
    ...Object.keys(document.staticPolicies),
    ...Object.keys(document.templates ?? {}),
  ]) {
    const wrong = idError(id);
    if (wrong !== null) throw badPolicies([plain(wrong, id.slice(0, 60))]);
  }
  await checkSet(document);
}

/** Policies as one formatted text, each with its id; links have no text. */
export async function policiesText(document: PolicySetJson): Promise<string> {
  const of = (policies: Readonly<Record<string, object>> = {}, template: boolean) =>
    Object.entries(policies).map(([id, est]) => ({ est: withId(est, id), template }));
  const all = [...of(document.staticPolicies, false), ...of(document.templates, true)];
  const texts = await cedar.call("toText", all);
  return formatText(
    texts
      .map((answer) => {
        if (answer.type === "failure")
          throw badPolicies(answer.errors.map((e) => plain(e.message)));
        return answer.text;
      })
      .join("\n"),
  );
}

/** In Cedar's own layout, comments kept. */
export async function formatText(text: string): Promise<string> {
  statementsOf(text);
  const answer = await cedar.call("format", text);
  if (answer.type === "failure")
    throw badPolicies(answer.errors.map((error) => diagnosticOf(error, { text })));
  return answer.formatted_policy;
}

/**
 * What Cedar's strict validation has against policies under a schema (Cedar's JSON form). With a text and its places,
 * each finding says where.
 */
export async function validatePolicies(
  document: PolicySetJson,
  schema: unknown,
  source?: { readonly text: string; readonly places: Places },
): Promise<Diagnostic[]> {
  const asText = (policies: Readonly<Record<string, object>> = {}) =>
    Object.fromEntries(
      Object.entries(policies).map(([id, est]) => [id, source?.places.get(id)?.text ?? est]),
    );
  const { staticPolicies, templates, templateLinks = [] } = document;
  const set = {
    staticPolicies: asText(staticPolicies),
    templates: asText(templates),
    templateLinks,
  };
  const answer = await cedar.call("validate", set, schema);
  if (answer.type === "failure") return answer.errors.map((error) => plain(error.message));
  const found = (policyId: string, error: CedarError, severity?: "warning"): Diagnostic => {
    const place = source?.places.get(policyId);
    if (source !== undefined && place !== undefined)
      return inStatement(source.text, place, error, policyId, severity);
    const { line, column, excerpt, ...same } = plain(error.message, policyId, error.help);
    return { ...same, line, column, excerpt, severity: severity ?? "error" };
  };
  return [
    ...answer.validationErrors.map(({ policyId, error }) => found(policyId, error)),
    ...answer.validationWarnings.map(({ policyId, error }) => found(policyId, error, "warning")),
  ];
}

const ID_CHARS_MAX = 200;
const HERE = { sourceLocations: [{ start: 0, label: null }] };

const idError = (id: string): string | null =>
  id.length >= 1 && id.length <= ID_CHARS_MAX && !id.startsWith("__")
    ? null
    : `an id has 1 to ${ID_CHARS_MAX} characters and does not begin with __`;

function setOf(
  staticPolicies: Record<string, object>,
  templates: Record<string, object>,
  templateLinks: readonly Link[],
): PolicySetJson {
  return {
    staticPolicies,
    ...(Object.keys(templates).length > 0 && { templates }),
    ...(templateLinks.length > 0 && { templateLinks }),
  };
}

async function checkSet(document: PolicySetJson): Promise<void> {
  const answer = await cedar.call("checkSet", document);
  if (answer.type === "failure")
    throw badPolicies(answer.errors.map((e) => plain(e.message, null, e.help)));
}

/** An id that is no policy's own annotation becomes one, so that the text says it. */
const withId = (est: object, id: string): object => {
  const { annotations } = est as { annotations?: Record<string, string> };
  return { ...est, annotations: { ...annotations, id } };
};

const inStatement = (
  text: string,
  { text: part, start }: Statement,
  error: CedarError,
  policy: string | null = null,
  severity?: "warning",
): Diagnostic => diagnosticOf(error, { text, part, start, policy, ...(severity && { severity }) });

const BYTES_MAX = 512 * 1_024;

/** Why data may not be handed to Cedar: it is rounded, too deep or too long. */
export function jsonError(value: unknown): string | null {
  const stack: { value: unknown; depth: number; path: string }[] = [{ value, depth: 0, path: "" }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, depth, path } = next;
    if (typeof value === "number" && !Number.isSafeInteger(value))
      return `${path || "/"} is ${value}, no integer of at most ${Number.MAX_SAFE_INTEGER}`;
    if (typeof value === "string" && !value.isWellFormed())
      return `${path || "/"} has half of a surrogate pair`;
    if (typeof value !== "object" || value === null) continue;
    if (depth >= JSON_DEPTH_MAX) return `nested deeper than ${JSON_DEPTH_MAX}`;
    for (const [key, inner] of Object.entries(value))
      stack.push({ value: inner, depth: depth + 1, path: `${path}/${key}`.slice(0, 300) });
  }
  const bytes = Buffer.byteLength(canonicalJson(value));
  return bytes > BYTES_MAX ? `${bytes} bytes of JSON, more than ${BYTES_MAX}` : null;
}
