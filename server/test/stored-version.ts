import { createHash } from "node:crypto";
import type { StoredVersion } from "../src/domains/authz/queries.ts";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A policy version as it would be read; `hash` is what was stored beside it. */
export const storedVersion = (document: string, hash = sha256(document)): StoredVersion => ({
  id: "v",
  number: 1,
  status: "active",
  document,
  hash,
  schemaHash: null,
  engine: "",
  createdAt: new Date(0),
  quarantinedAt: null,
});
