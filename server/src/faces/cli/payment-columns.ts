/** Columns of a transaction file by input field, as PaySim names them. */
export const PAYMENT_COLUMNS = {
  type: "type",
  amount: "amount",
  origin_account: "nameOrig",
  origin_before: "oldbalanceOrg",
  origin_after: "newbalanceOrig",
  destination_account: "nameDest",
  destination_before: "oldbalanceDest",
  destination_after: "newbalanceDest",
  external_id: "id",
  fraud: "isFraud",
} as const;

export type PaymentField = keyof typeof PAYMENT_COLUMNS;
