import { Refusal } from "#kernel/refusal.ts";

// What the earlier vault answered when it did not do something: `{operation: "error", verdict: "VOID", reason}`. Every refusal of
// this domain has exactly these facts; its code and status say what kind of reason it is.

export const vaultInvalid = (reason: string) =>
  new Refusal(
    "action/vault_invalid",
    400,
    "The vault does not take this",
    { operation: "error", verdict: "VOID", reason },
    "Correct what the reason names, and send the call again.",
  );

export const vaultMissing = (reason: string) =>
  new Refusal(
    "action/vault_missing",
    404,
    "The vault has nothing of this",
    { operation: "error", verdict: "VOID", reason },
    "List entries with GET /v1/vault/entries.",
  );

export const vaultConflict = (reason: string) =>
  new Refusal(
    "action/vault_conflict",
    409,
    "The vault is not where this would go on from",
    { operation: "error", verdict: "VOID", reason },
    "Look at the newest entry with GET /v1/vault/entries?limit=1; an import that is under way has to be ended first.",
  );

export const vaultBusy = (running: number) =>
  new Refusal(
    "action/vault_busy",
    503,
    "This server recomputes as many vaults as it can at once",
    { operation: "error", verdict: "VOID", reason: `${running} vaults are being recomputed` },
    "Ask again when they are done.",
  );
