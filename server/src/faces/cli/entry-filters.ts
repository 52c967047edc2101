/** What chooses entries of the log, as options: each is the input field of its name. */
export const ENTRY_FILTERS = {
  request: { value: "ID", help: "Of an export: entries of this request" },
  actor: { value: "TYPE:ID", help: "Of an export: what this one did" },
  action: { value: "NAME", help: "Of an export: this action, or all that begin so: risk" },
  kind: { value: "KIND", help: "Of an export: call, refusal, reads, event, job or head" },
  outcome: { value: "OUTCOME", help: "Of an export: done, refused or failed" },
  resource: { value: "TYPE:ID", help: "Of an export: what was acted on or made" },
  session: { value: "ID", help: "Of an export: an agent session's entries" },
  since: { value: "TIME", help: "Of an export: not before, such as 2026-11-20T08:00:00Z" },
  until: { value: "TIME", help: "Of an export: before this time" },
} as const;
