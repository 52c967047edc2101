/** The door of the vault: the earlier ledger's six actions in its own format, and the import of its files. */
import { chainVerify } from "./operations/chain-verify.ts";
import { legacyImport } from "./operations/legacy-import.ts";
import { verdictList } from "./operations/verdict-list.ts";
import { verdictProof } from "./operations/verdict-proof.ts";
import { verdictQuery } from "./operations/verdict-query.ts";
import { verdictRead } from "./operations/verdict-read.ts";
import { verdictSeal } from "./operations/verdict-seal.ts";

export { readSealedVerdicts, readVerdictCalls, type SealedVerdict } from "./queries.ts";

export const operations = [
  verdictSeal,
  verdictRead,
  verdictList,
  verdictQuery,
  verdictProof,
  chainVerify,
  legacyImport,
];
