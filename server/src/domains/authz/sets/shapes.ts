import { z } from "zod";
import { parseJson } from "#verifier";
import { oneOfTextAndDocument } from "../refusals.ts";
import type { SetVersion } from "./queries.ts";
import type { Written } from "./versions.ts";

/** Words after /v1/policies/ that are no sets are left out. */
export const setName = z
  .string()
  .regex(
    /^(?!(?:check|simulate|templates)$)[a-z][a-z0-9-]{0,62}$/,
    "small letters, digits and dashes",
  )
  .meta({ examples: ["default"] })
  .describe("Of the set; default decides about the platform's own operations");

export const versionNumber = z.coerce.number().int().min(1).max(2_147_483_647);

const id = z.string().min(1).max(200);
const est = z.record(z.string(), z.json());
const entity = z.strictObject({ type: id, id });
const link = z.strictObject({
  templateId: id,
  newId: id,
  values: z.record(z.string(), entity).describe("By slot: ?principal, ?resource"),
});
const links = z.array(link).max(200);

/** Cedar's PolicySet as JSON; each policy is looked at by Cedar. */
const document = z
  .strictObject({
    staticPolicies: z.record(id, est),
    templates: z.record(id, est).optional(),
    templateLinks: links.optional(),
  })
  .meta({ id: "PolicyDocument" });

/** Input fields of whoever takes policies, in either form. */
export const written = {
  text: z.string().max(262_144).optional().describe("Policies in Cedar's language"),
  links: links.optional().describe("What the text's templates are linked to"),
  document: document.optional().describe("Instead of a text: policies in Cedar's JSON form"),
};

export const ownSchema = z
  .union([z.string().max(262_144), z.record(z.string(), z.json())])
  .nullable()
  .optional()
  .describe(
    "The project's own types and actions, as Cedar schema text or JSON, beside the platform's",
  );

export function writtenOf(input: {
  readonly text?: string | undefined;
  readonly links?: z.output<typeof links> | undefined;
  readonly document?: z.output<typeof document> | undefined;
}): Written {
  const { text, links = [], document } = input;
  if (text !== undefined && document === undefined) return { text, links };
  if (document !== undefined && text === undefined && links.length === 0) return { document };
  throw oneOfTextAndDocument(
    Object.keys(input).filter((key) => ["text", "links", "document"].includes(key)),
  );
}

export const diagnostics = z.array(
  z
    .object({
      severity: z.enum(["error", "warning"]),
      policy: z
        .string()
        .nullable()
        .describe("Id of the policy; null: the text, the set or the schema"),
      message: z.string(),
      help: z.string().nullable(),
      line: z.int().nullable().describe("From 1; null for what has no text"),
      column: z.int().nullable().describe("From 1, in UTF-16 units"),
      excerpt: z.string().nullable(),
    })
    .meta({ id: "PolicyDiagnostic" }),
);

const time = z.iso.datetime().nullable();

/** A policy version as every face shows it, without its policies. */
export const policyVersion = z
  .object({
    id: z.uuid(),
    set: z.string(),
    number: z.int(),
    status: z.enum(["draft", "validated", "active", "retired"]),
    hash: z.string().describe("SHA-256 of the document's canonical JSON, hex"),
    schema_hash: z.string().nullable(),
    engine: z.string(),
    cedar: z.string().nullable(),
    base: z.int().nullable(),
    created_by: z.string(),
    created_at: z.iso.datetime(),
    validated_at: time,
    activated_at: time,
    retired_at: time,
    quarantined_at: time.describe(
      "Since when it decides nothing any more: Cedar's engine decided otherwise",
    ),
  })
  .meta({ id: "PolicyVersion" });

export function versionShown(row: SetVersion): z.input<typeof policyVersion> {
  const { id, set, number, status, hash, engine, cedar, base } = row;
  const at = (date: Date | null) => date?.toISOString() ?? null;
  return {
    id,
    set,
    number,
    status,
    hash,
    schema_hash: row.schemaHash,
    engine,
    cedar,
    base,
    created_by: row.createdBy,
    created_at: row.createdAt.toISOString(),
    validated_at: at(row.validatedAt),
    activated_at: at(row.activatedAt),
    retired_at: at(row.retiredAt),
    quarantined_at: at(row.quarantinedAt),
  };
}

/** A version with what it says. */
export const wholeVersion = z.object({
  ...policyVersion.shape,
  document: z.json().describe("Cedar's JSON form: what is decided by"),
  schema: z.json().describe("The project's own part, as it was given"),
});

export const wholeShown = (row: SetVersion): z.input<typeof wholeVersion> => ({
  ...versionShown(row),
  document: parseJson(row.document),
  schema: row.ownSchema?.startsWith("{") ? parseJson(row.ownSchema) : row.ownSchema,
});
