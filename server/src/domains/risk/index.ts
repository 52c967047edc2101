/** The door of risk: what a payment looks like, how it is rated, and the operation that records one. */
import { transactionAssess } from "./operations/transaction-assess.ts";

export { rate } from "./model.ts";
export { readScores, type StoredScore } from "./queries.ts";
export { openScorer } from "./scorer.ts";

export const operations = [transactionAssess];
