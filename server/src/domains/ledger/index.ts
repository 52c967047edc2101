/** The door of ledger: entries on their way into a log, the sequencer, receipts, verification. */
import { archiveCommit } from "./operations/archive-commit.ts";
import { archiveList } from "./operations/archive-list.ts";
import { archiveRead } from "./operations/archive-read.ts";
import { archiveRestore } from "./operations/archive-restore.ts";
import { auditStart } from "./operations/audit-start.ts";
import { bundleGet } from "./operations/bundle-get.ts";
import { checkpointGet } from "./operations/checkpoint-get.ts";
import { consistencyGet } from "./operations/consistency-get.ts";
import { entryExport } from "./operations/entry-export.ts";
import { entryGet } from "./operations/entry-get.ts";
import { entryList } from "./operations/entry-list.ts";
import { keyList } from "./operations/key-list.ts";
import { keyRotate } from "./operations/key-rotate.ts";
import { logOpen } from "./operations/log-open.ts";
import { logVerify } from "./operations/log-verify.ts";
import { payloadErase } from "./operations/payload-erase.ts";
import { receiptGet } from "./operations/receipt-get.ts";
import { rootSealGet } from "./operations/root-seal-get.ts";
import { tileGet } from "./operations/tile-get.ts";

export { audit } from "./audit.ts";
export { ROTATE_KEY, rotateKey } from "./keys/rotate-key.ts";
export { openLedger } from "./ledger.ts";
export { readEntriesWithin, readMinimum, readReaders } from "./queries.ts";
export { RootLog } from "./root/root-log.ts";
export { shown as entryShown } from "./shapes.ts";
export { verifyLog } from "./verify/verify.ts";
export { readPublished, readPublishedCheckpoints } from "./witness/published.ts";
export { tellOfRefusal } from "./witness/tell.ts";

export const operations = [
  checkpointGet,
  entryList,
  entryGet,
  entryExport,
  receiptGet,
  keyList,
  keyRotate,
  rootSealGet,
  tileGet,
  bundleGet,
  consistencyGet,
  logVerify,
  logOpen,
  auditStart,
  payloadErase,
  archiveList,
  archiveRead,
  archiveCommit,
  archiveRestore,
];
