import { Refusal } from "#kernel/refusal.ts";
import type { Unsupported } from "./unsupported.ts";

/** Nothing less exact than the policies is given in place of a filter. */
export const filterUnsupported = ({ message, reason, policy, clause }: Unsupported) =>
  new Refusal(
    "action/filter_unsupported",
    422,
    `The policies have no exact SQL for these rows: ${message}`,
    { reason, policy, clause },
    HELP[reason],
  );

const HELP: Readonly<Record<Unsupported["reason"], string>> = {
  attribute_unmapped: "Say in the mapping which column holds the attribute.",
  hierarchy_unmapped:
    "Say in the mapping, or by a setting, where it stands what these entities are in.",
  other_entity:
    "Read attributes of the resource and of the principal only: keep what is needed in the resource's own row.",
  entity_not_told: "Send the entity among `entities`, with its attributes and parents.",
  principal_unknown:
    "A row policy knows of the principal its name and groups alone: write the policy so, or use a filter.",
  operator: "Write the condition otherwise, or ask for a decision about each resource.",
  type: "Correct the mapping, the policy or the schema, so that types agree.",
  text: "Use names and texts that PostgreSQL can hold.",
  size: "Ask with fewer entities, or write fewer and shorter policies.",
};

export const tablePlaceMissing = (table: string) =>
  new Refusal(
    "action/table_place_missing",
    400,
    "A row policy stands on one table: it needs the table's schema, and has no alias",
    { table },
    "Send schema and table in the mapping, without alias.",
  );
