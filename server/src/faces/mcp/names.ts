/** `risk.transaction.assess` is the tool `risk_transaction_assess`: letters that every host of models takes. */
export const toolNameOf = (operation: string): string => operation.replaceAll(/[.-]/g, "_");
