import { Refusal } from "#kernel/refusal.ts";
import type { Diagnostic } from "./diagnostics.ts";

const DIAGNOSTICS_MAX = 20;

/** A text or document that is no policies; the first of what is wrong is the message. */
export const badPolicies = (diagnostics: readonly Diagnostic[]) =>
  new Refusal(
    "action/bad_policies",
    400,
    `These are no policies: ${placed(diagnostics[0]!)}`,
    { diagnostics: shownOf(diagnostics), found: diagnostics.length },
    diagnostics[0]!.help ??
      "Correct it at the position, and check it with POST /v1/policies/check.",
  );

export const badSchema = (diagnostics: readonly Diagnostic[]) =>
  new Refusal(
    "action/bad_schema",
    400,
    `This is no schema beside the platform's own: ${placed(diagnostics[0]!)}`,
    { diagnostics: shownOf(diagnostics), found: diagnostics.length },
    diagnostics[0]!.help ??
      "Declare your own entity types and actions only; the platform's are in contract/schema.cedarschema.",
  );

/** Cedar's engine failed at this input, as it does where it is nested too deep for it. */
export const cedarTrapped = (cause: string) =>
  new Refusal(
    "action/cedar_trapped",
    422,
    "Cedar's engine failed at this input",
    { cause },
    "Make conditions flatter and shorter; later calls are not touched.",
  );

/** Cedar's engine does not take what it was given, so it says nothing about it. */
export const cedarUnread = (cause: string) =>
  new Refusal(
    "action/cedar_unread",
    422,
    "Cedar's engine cannot read this input",
    { cause },
    "Make conditions and values flatter: they stand too deep in each other.",
  );

export const cedarSlow = (limit_ms: number) =>
  new Refusal(
    "action/cedar_slow",
    422,
    "Cedar's engine took too long for this input",
    { limit_ms },
    "Split the policies into fewer or smaller ones.",
  );

export const cedarBusy = (waiting: number) =>
  new Refusal(
    "action/cedar_busy",
    503,
    "Too many policy texts wait for Cedar's engine",
    { waiting },
    "Try again in a few seconds.",
  );

/** What a refusal of policies or of a schema found; any other error goes on. */
export function diagnosticsOf(error: unknown): Diagnostic[] {
  if (error instanceof Refusal && Array.isArray(error.facts["diagnostics"]))
    return error.facts["diagnostics"];
  throw error;
}

const placed = ({ message, line, column }: Diagnostic): string =>
  line === null ? message : `${message} (line ${line}, column ${column})`;

const shownOf = (diagnostics: readonly Diagnostic[]) =>
  diagnostics.slice(0, DIAGNOSTICS_MAX).map((diagnostic) => ({ ...diagnostic }));
