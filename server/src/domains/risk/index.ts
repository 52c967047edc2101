/** The door of risk: what a payment looks like, how it is rated, and the operation that records one. */
import { transactionAssess } from "./operations/transaction-assess.ts";

export { readPoints, storePoints } from "./geometry/queries.ts";
export { rate } from "./model.ts";
export {
  ensureModelVersion,
  readPaymentIds,
  readPayments,
  readScoreIds,
  readScores,
  type StoredPayment,
  type StoredScore,
} from "./queries.ts";
export { openScorer } from "./scorer.ts";

/** Whose calls, once done, leave a payment. */
export const ASSESSMENT = transactionAssess.name;

export const operations = [transactionAssess];
