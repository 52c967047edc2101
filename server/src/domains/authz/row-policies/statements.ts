import { createHash } from "node:crypto";
import { type Filter } from "../filter/filter.ts";
import { quoted, withLiterals } from "../filter/fragment.ts";

export type Command = "select" | "insert" | "update" | "delete";

/** What a row policy is for, and on which table it stands. */
export interface Place {
  readonly tenantId: string;
  readonly set: string;
  readonly action: string;
  readonly resourceType: string;
  readonly schema: string;
  readonly table: string;
  readonly command: Command;
  readonly roles: readonly string[];
}

/** Names and text of a row policy. */
export interface RowPolicy {
  readonly policyName: string;
  readonly functionName: string;
  /** Of the function. PostgreSQL keeps it to the byte, where of a policy it keeps a parse tree. */
  readonly body: string;
  readonly bodyHash: string;
  /** To be run by the owner of the table, in one transaction. */
  readonly statements: readonly string[];
}

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The same place has the same names, so that a later version takes the place of an earlier one. */
export function rowPolicyOf(place: Place, { fragment }: Filter): RowPolicy {
  const { tenantId, set, action, resourceType, schema, table, command, roles } = place;
  const mark = sha256(
    JSON.stringify([tenantId, set, action, resourceType, schema, table, command]),
  ).slice(0, 24);
  const [policyName, functionName] = [`sealbase_${mark}`, `sealbase_${mark}_allows`];
  const body = ` select ${withLiterals(fragment)} `;
  const tag = tagFor(body);
  const on = `${quoted(schema)}.${quoted(table)}`;
  const allows = `${quoted(schema)}.${quoted(functionName)}`;
  // A new row is checked, an old one used; an update is both.
  const call = `(${allows}(${quoted(table)}.*))`;
  const clauses = {
    select: `using ${call}`,
    insert: `with check ${call}`,
    update: `using ${call} with check ${call}`,
    delete: `using ${call}`,
  };
  const to = roles.length === 0 ? "public" : roles.map(quoted).join(", ");
  return {
    policyName,
    functionName,
    body,
    bodyHash: sha256(body),
    statements: [
      `drop policy if exists ${quoted(policyName)} on ${on}`,
      `create or replace function ${allows}(${on}) returns pg_catalog.bool language sql stable parallel safe as ${tag}${body}${tag}`,
      `create policy ${quoted(policyName)} on ${on} as permissive for ${command} to ${to} ${clauses[command]}`,
      `alter table ${on} enable row level security`,
      `alter table ${on} force row level security`,
    ],
  };
}

/** A dollar quote that does not stand in the text. */
function tagFor(body: string): string {
  let tag = "$sealbase$";
  for (let i = 1; body.includes(tag); i++) tag = `$sealbase${i}$`;
  return tag;
}
