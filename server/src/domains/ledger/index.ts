/** The door of ledger: entries on their way into a log, the sequencer, receipts, verification. */
import { checkpointGet } from "./operations/checkpoint-get.ts";
import { entryGet } from "./operations/entry-get.ts";
import { entryList } from "./operations/entry-list.ts";
import { logVerify } from "./operations/log-verify.ts";
import { receiptGet } from "./operations/receipt-get.ts";

export { type OpenLedger, openLedger } from "./ledger.ts";
export { readCheckpoints, readEntries, readNewestCheckpoint } from "./queries.ts";
export { shown as entryShown } from "./shapes.ts";
export { verifyLog } from "./verify.ts";

export const operations = [checkpointGet, entryList, entryGet, receiptGet, logVerify];
