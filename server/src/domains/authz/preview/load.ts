import { hash } from "node:crypto";
import type { Db, Tx } from "#kernel/db.ts";
import { canonicalJson, parseJson } from "#verifier";
import type { Diagnostic } from "../cedar/diagnostics.ts";
import { badPolicies } from "../cedar/refusals.ts";
import type { SchemaJson } from "../cedar/schemas.ts";
import { type SchemaJson as EngineSchema, Schema } from "../engine/index.ts";
import { openVersion, versionChanged } from "../policy.ts";
import { notValid, versionMissing } from "../refusals.ts";
import { PLATFORM_SCHEMA } from "../schema/platform.ts";
import { readSchema, readVersion, type SetVersion } from "../sets/queries.ts";
import {
  isValid,
  type OwnSchema,
  read,
  reread,
  schemaWith,
  validate,
  type Written,
} from "../sets/versions.ts";
import { Candidate } from "./candidate.ts";

/** A stored version with its schema. Versions from before there were schemas have the platform's. */
export async function readCandidate(
  tx: Tx,
  set: string,
  number: number,
): Promise<{ found: SetVersion; schema: SchemaJson }> {
  const found = await readVersion(tx, set, number);
  if (found === undefined) throw versionMissing(set, number);
  if (found.schemaHash === null) return { found, schema: PLATFORM_SCHEMA };
  const schema = await readSchema(tx, found.schemaHash);
  if (schema === undefined) throw versionChanged(found.id);
  return { found, schema: parseJson(schema) };
}

/** The same, ready to decide; a draft is looked through before. Throws the refusal of one that is not valid. */
export async function loadCandidate(
  db: Db,
  tenantId: string,
  set: string,
  number: number,
): Promise<{ found: SetVersion; candidate: Candidate }> {
  const { found, schema } = await db.transaction({ role: "reader", tenantId }, (tx) =>
    readCandidate(tx, set, number),
  );
  if (found.status === "draft") {
    const findings = await validate(await reread(found), schema);
    if (!isValid(findings)) throw notValid(set, number, toldOf(findings));
  }
  return {
    found,
    candidate: new Candidate(openVersion(found), new Schema(schema as EngineSchema)),
  };
}

/** Policies that are stored nowhere, ready to decide. Throws the refusal of those that are not valid. */
export async function candidateOf(written: Written, own: OwnSchema): Promise<Candidate> {
  const schema = await schemaWith(own);
  const policies = await read(written);
  const findings = (await validate(policies, schema)).filter(
    ({ severity }) => severity === "error",
  );
  if (findings.length > 0) throw badPolicies(findings);
  const document = canonicalJson(policies.document);
  const version = { id: "", document, hash: hash("sha256", document), schemaHash: null };
  return new Candidate(openVersion(version), new Schema(schema as EngineSchema));
}

const TOLD_MAX = 5;

const toldOf = (findings: readonly Diagnostic[]): string[] =>
  findings
    .filter(({ severity }) => severity === "error")
    .slice(0, TOLD_MAX)
    .map(({ policy, message }) => (policy === null ? message : `${policy}: ${message}`));
