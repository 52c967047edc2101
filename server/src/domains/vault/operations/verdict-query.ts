import { z } from "zod";
import { operation } from "#pipeline";
import { readPage } from "../queries.ts";
import { vaultInvalid } from "../refusals.ts";
import {
  answered,
  answerOf,
  cursor,
  limit,
  PAGE_BYTES_MAX,
  pageOf,
  pageShape,
  verdict,
} from "../shapes.ts";

/** A moment with up to microseconds, as entries have them; in years that PostgreSQL and people can mean. */
const moment = z.iso
  .datetime({ offset: true })
  .refine((text) => /^(?:19|20|21)\d\d.{15}(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)$/.test(text), {
    message: "between 1900 and 2200, to the microsecond",
  });

export const verdictQuery = operation({
  name: "vault.verdict.query",
  summary: "Entries of a verdict, in a time if told, the newest first.",
  rest: "GET /v1/vault/query",
  kind: "read",
  input: z.strictObject({
    verdict: verdict.describe("888_HOLD finds its older spelling HOLD-888, too"),
    start_time: moment.optional().describe("Inclusive"),
    end_time: moment.optional().describe("Inclusive"),
    limit,
    cursor: cursor.optional().describe("Entries below this sequence"),
  }),
  output: answerOf("query", pageShape),

  policy: { resource: { type: "Vault", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, input }) {
    const { start_time: start, end_time: end } = input;
    if (start !== undefined && end !== undefined && isAfter(start, end))
      throw vaultInvalid("start_time must not be after end_time");
    const verdicts = input.verdict === "888_HOLD" ? ["888_HOLD", "HOLD-888"] : [input.verdict];
    const limits = { entries: input.limit, bytes: PAGE_BYTES_MAX };
    const filter = { verdicts, start: inUtc(start), end: inUtc(end), below: input.cursor };
    const page = await readPage(tx, filter, "desc", limits);
    return answered({ operation: "query" as const, verdict: "SEAL", ...pageOf(page) });
  },
});

/** PostgreSQL takes no offset beyond +15:59, ISO 8601 does. */
function inUtc(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const seconds = new Date(text).toISOString().slice(0, 19);
  return `${seconds}${/\.\d+/.exec(text)?.[0] ?? ""}Z`;
}

/** To the microsecond, which a Date does not have. */
function isAfter(start: string, end: string): boolean {
  const [from, to] = [Date.parse(start), Date.parse(end)];
  return from > to || (from === to && microseconds(start) > microseconds(end));
}

const microseconds = (text: string): number =>
  Number((/\.(\d+)/.exec(text)?.[1] ?? "").padEnd(6, "0").slice(3));
