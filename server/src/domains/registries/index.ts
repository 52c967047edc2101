/** The door of the registries: who an alias names, which vouchers are taken, what relays charged. */
import { aliasBegin } from "./operations/alias-begin.ts";
import { aliasList } from "./operations/alias-list.ts";
import { aliasMaintainersGet } from "./operations/alias-maintainers-get.ts";
import { aliasMaintainersRotate } from "./operations/alias-maintainers-rotate.ts";
import { aliasRecordEndorse } from "./operations/alias-record-endorse.ts";
import { aliasRecordList } from "./operations/alias-record-list.ts";
import { aliasRecordSubmit } from "./operations/alias-record-submit.ts";
import { aliasResolve } from "./operations/alias-resolve.ts";
import { forwardingList } from "./operations/forwarding-list.ts";
import { forwardingRecord } from "./operations/forwarding-record.ts";
import { forwardingSum } from "./operations/forwarding-sum.ts";
import { paymentRecordEndorse } from "./operations/payment-record-endorse.ts";
import { paymentRecordGet } from "./operations/payment-record-get.ts";
import { paymentRecordList } from "./operations/payment-record-list.ts";
import { paymentRecordPublish } from "./operations/payment-record-publish.ts";
import { voucherCheck } from "./operations/voucher-check.ts";
import { voucherKeysetActivate } from "./operations/voucher-keyset-activate.ts";
import { voucherKeysetAnnounce } from "./operations/voucher-keyset-announce.ts";
import { voucherKeysetList } from "./operations/voucher-keyset-list.ts";
import { voucherKeysetRetire } from "./operations/voucher-keyset-retire.ts";

export { type RowText, readRegistryCalls, readRegistryRows } from "./sealed/queries.ts";
export { sealedRows } from "./sealed/rows.ts";

export const operations = [
  aliasBegin,
  aliasList,
  aliasResolve,
  aliasMaintainersGet,
  aliasMaintainersRotate,
  aliasRecordSubmit,
  aliasRecordEndorse,
  aliasRecordList,
  voucherKeysetAnnounce,
  voucherKeysetActivate,
  voucherKeysetRetire,
  voucherKeysetList,
  voucherCheck,
  paymentRecordPublish,
  paymentRecordEndorse,
  paymentRecordGet,
  paymentRecordList,
  forwardingRecord,
  forwardingList,
  forwardingSum,
];
