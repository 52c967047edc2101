import { Refusal } from "#kernel/refusal.ts";

export const decisionMissing = (id: string) =>
  new Refusal(
    "action/decision_missing",
    404,
    "This project has no such decision",
    { id },
    "List decisions with GET /v1/decisions; reads appear within a second.",
  );
