import { Refusal } from "#kernel/refusal.ts";

export const chainMissing = (id: string) =>
  new Refusal(
    "action/chain_missing",
    404,
    "Nothing in this project has this id",
    { id },
    "Use the id of a decision, score, transaction, entry or request; reads appear within a second.",
  );
