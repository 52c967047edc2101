import { Refusal } from "#kernel/refusal.ts";

/** Somebody who owns the database put another key there, to have it believed. */
export const wrongLogKey = (log: string, number: number) =>
  new Refusal(
    "seal/wrong_log_key",
    503,
    "A stored public key of the log does not belong to the private key that is sealed beside it",
    { log, number },
    "Signing stays off. Compare with the keys that readers and witnesses have, and restore the key's row from a backup; keep this database as evidence.",
  );
