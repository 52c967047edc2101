import { storeDisagreements } from "../src/domains/authz/replay/queries.ts";
import { makeDocs } from "./policies.ts";
import type { Answer, Caller, TestSystem } from "./system.ts";

export type Item = Readonly<Record<"progress" | "example" | "summary", Json>>;
// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export type Json = any;

/** Previews a version of a set to the end, and gives the preview's id. */
export async function leavePreview(
  caller: Pick<Caller, "call">,
  set: string,
  number: number,
): Promise<string> {
  return itemsOf(await lines(caller, number, {}, set)).at(-1)!.summary.id;
}

/** Leaves a decision that came out otherwise when it was replayed, which nothing but an edit could make. */
export async function leaveDisagreement({ parts }: TestSystem, tenantId: string): Promise<void> {
  const of = (letter: string) => ({ outcome: "deny", traceHash: letter.repeat(64) });
  const one = { decisionId: NOTHING, engine: "sealbase-est 2", expected: of("a"), found: of("b") };
  await parts.db.transaction({ role: "writer", tenantId }, (tx) =>
    storeDisagreements(tx, tenantId, NOTHING, [one], new Date(parts.clock()).toISOString()),
  );
}

const NOTHING = "00000000-0000-4000-8000-000000000000";

/** What a call gives; throws what it refuses. */
export const post = async (caller: Caller, path: string, body: object): Promise<Json> => {
  const answer = await caller.call("POST", path, body);
  if (answer.status >= 300) throw new Error(answer.text);
  return answer.body;
};

/** A project with a set about documents; ada owns them, and everybody may ask. */
export async function makeLibrary(system: TestSystem): Promise<Caller> {
  const caller = await system.project();
  await makeDocs((path, body) => post(caller, path, body));
  return caller;
}

/** May this user read this document of ada's? */
export const question = (user: string, doc: string, more: object = {}) => ({
  set: "docs",
  principal: { type: "User", id: user, groups: ["readers"] },
  action: "doc.page.read",
  resource: { type: "Doc", id: doc },
  entities: [
    { uid: { type: "Doc", id: doc }, attrs: { owner: { __entity: { type: "User", id: "ada" } } } },
  ],
  ...more,
});

export const askAll = (caller: Caller, questions: readonly object[]) =>
  caller.call("POST", "/v1/decisions", questions);

/** Stores a version of the set and gives its number. */
export async function store(caller: Caller, text: string, more: object = {}, validated = true) {
  const { number } = await post(caller, "/v1/policies/docs/versions", { text, ...more });
  if (validated) {
    const { valid, diagnostics } = await post(
      caller,
      `/v1/policies/docs/versions/${number}/validate`,
      {},
    );
    if (!valid) throw new Error(JSON.stringify(diagnostics));
  }
  return number as number;
}

/** The answer to a preview, as lines of JSON. */
export async function lines(
  caller: Pick<Caller, "call">,
  number: number,
  more: object = {},
  set = "docs",
): Promise<Answer> {
  return caller.call(
    "POST",
    `/v1/policies/${set}/preview`,
    { number, ...more },
    { accept: "application/x-ndjson" },
  );
}

export const itemsOf = (answer: Answer): Item[] =>
  answer.text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** Lets everybody read but owners, who alone may before it. */
export const READERS = `@id("readers") permit (principal in Group::"readers", action in Action::"doc.page", resource)
  unless { resource has owner && resource.owner == principal };`;
