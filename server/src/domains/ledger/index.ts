/** The door of ledger: entries on their way into a log, the sequencer, receipts, verification. */
import { auditStart } from "./operations/audit-start.ts";
import { checkpointGet } from "./operations/checkpoint-get.ts";
import { entryGet } from "./operations/entry-get.ts";
import { entryList } from "./operations/entry-list.ts";
import { logVerify } from "./operations/log-verify.ts";
import { receiptGet } from "./operations/receipt-get.ts";

export { audit } from "./audit.ts";
export { openLedger } from "./ledger.ts";
export { readEntriesWithin } from "./queries.ts";
export { rotateKey } from "./rotate-key.ts";
export { shown as entryShown } from "./shapes.ts";
export { verifyLog } from "./verify.ts";
export { readPublished, readPublishedCheckpoints } from "./witness/published.ts";
export { tellOfRefusal } from "./witness/tell.ts";

export const operations = [checkpointGet, entryList, entryGet, receiptGet, logVerify, auditStart];
