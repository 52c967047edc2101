import type { Command } from "./command.ts";
import { ENTRY_FILTERS } from "./entry-filters.ts";
import { PAYMENT_COLUMNS } from "./payment-columns.ts";

const KEY = {
  key: { value: "KEY", help: "API key; else SEALBASE_KEY, else the key of the first start" },
};

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  {
    name: "start",
    usage: "",
    summary: "Start Sealbase; on an empty data folder make a project and show the main job once",
    options: {},
    operandsMin: 0,
    operandsMax: 0,
    alwaysText: true,
    load: async () => (await import("./commands/start.ts")).start,
  },
  {
    name: "serve",
    usage: "",
    summary: "Serve only: no migrating, no seeding; logs its configuration without secrets",
    options: {},
    operandsMin: 0,
    operandsMax: 0,
    load: async () => (await import("./commands/serve.ts")).serve,
  },
  {
    name: "witness",
    usage: "",
    summary: "Cosign other servers' logs while they only grow; a process with a folder of its own",
    options: {
      name: { value: "NAME", help: "Its name for ever, as a URL without scheme" },
      logs: {
        value: "FILE",
        help: "Logs to sign for, as c2sp.org/tlog-policy; SIGHUP reads it again",
      },
      data: { value: "DIR", help: "Its key and what it signed; .sealbase-witness unless told" },
      listen: { value: "HOST:PORT", help: "Where it answers; 127.0.0.1:7327 unless told" },
    },
    operandsMin: 0,
    operandsMax: 0,
    load: async () => (await import("./commands/witness.ts")).witness,
  },
  {
    name: "witnesses",
    usage: "",
    summary: "What each witness says about the project's log now, and what to do about it",
    options: KEY,
    operandsMin: 0,
    operandsMax: 0,
    load: async () => (await import("./commands/witnesses.ts")).witnesses,
  },
  {
    name: "demo",
    usage: "",
    summary: "Show the main job on generated transactions",
    options: { ...KEY, count: { value: "N", help: "Transactions, 2000 unless told" } },
    operandsMin: 0,
    operandsMax: 0,
    alwaysText: true,
    load: async () => (await import("./commands/demo.ts")).demo,
  },
  {
    name: "import",
    usage: "transactions FILE.csv[.gz]",
    summary: "Assess and record every transaction of a file; goes on where it was stopped",
    options: {
      ...KEY,
      ...Object.fromEntries(
        Object.entries(PAYMENT_COLUMNS).map(([field, column]) => [
          `column-${field.replaceAll("_", "-")}`,
          { value: "NAME", help: `Column of ${field}, ${column} unless told` },
        ]),
      ),
      again: { help: "Start from the first row, whatever was done before" },
    },
    operandsMin: 2,
    operandsMax: 2,
    load: async () => (await import("./commands/import.ts")).importFile,
  },
  {
    name: "vault",
    usage: "import DIR",
    summary: "Check a VAULT999 ledger's files; with --confirm bring them into the vault",
    options: {
      ...KEY,
      "dry-run": { help: "Only check and report, as without --confirm" },
      confirm: { value: "CHECKSUM", help: "Import what the dry run of this checksum has shown" },
      "allow-gaps": { help: "Take a ledger that left numbers out, where its chain holds" },
    },
    operandsMin: 2,
    operandsMax: 2,
    load: async () => (await import("./commands/vault.ts")).vault,
  },
  {
    name: "decide",
    usage: "",
    summary: "May this principal do this to that? Recorded",
    options: {
      ...KEY,
      principal: { value: "TYPE:ID", help: "Who" },
      group: {
        value: "NAME",
        multiple: true,
        help: "A group of the principal; repeat it for more",
      },
      action: { value: "NAME", help: "What" },
      resource: { value: "TYPE:ID", help: "To what" },
      context: { value: "JSON", help: "What conditions read, as a JSON object" },
      entities: {
        value: "JSON",
        help: "What is known of principal and resource: an array of entities",
      },
      set: { value: "NAME", help: "The set of policies that is asked; default unless told" },
    },
    operandsMin: 0,
    operandsMax: 0,
    load: async () => (await import("./commands/decide.ts")).decide,
  },
  mirror("why", "ID", "The whole chain of a call, for any id in it", "telemetry.chain.why"),
  mirror("entry", "ID", "One entry of the ledger, with its payload", "ledger.entry.get"),
  mirror(
    "receipt",
    "ID",
    "The receipt of an entry, as text to keep in a file",
    "ledger.receipt.get",
    true,
  ),
  mirror(
    "replay",
    "ID",
    "Decide and score a recorded call again, and compare",
    "telemetry.chain.replay",
  ),
  {
    name: "verify",
    usage: "[FILE]",
    summary: "Recompute the whole log; with FILE check that receipt, checkpoint or fork offline",
    options: {
      ...KEY,
      "log-key": {
        value: "VKEY",
        help: "Key of the log that FILE is checked with; else this project's",
      },
      since: {
        value: "SIZE[:ROOT]",
        help: "Go on from what was verified before; what the last run told",
      },
      root: { help: "The log over the heads of all logs, instead of this project's" },
      policy: {
        value: "POLICY",
        help: "File of witnesses and their quorum that FILE must satisfy, as c2sp.org/tlog-policy",
      },
      archive: { value: "DIR", help: "Also every archive of the log, from its first entry up" },
    },
    operandsMin: 0,
    operandsMax: 1,
    load: async () => (await import("./commands/verify.ts")).verify,
  },
  {
    name: "policies",
    usage: "restore",
    summary:
      "Let the policies before decide again, when a project's own let nobody change them; for who runs the server, and sealed",
    options: {
      ...KEY,
      project: { value: "ID", help: "The project; else that of the key" },
      reason: { value: "TEXT", help: "Why; sealed" },
      number: {
        value: "N",
        help: "Version of the set default; else the one that was active before",
      },
    },
    operandsMin: 1,
    operandsMax: 1,
    load: async () => (await import("./commands/policies.ts")).policies,
  },
  {
    name: "ledger",
    usage: "mirror|archive|restore DIR | export",
    summary:
      "Copy the log into static files (c2sp.org/tlog-tiles), move its oldest entries there, or bring them back, verified; or print entries with proofs",
    options: {
      ...KEY,
      from: {
        value: "URL",
        help: "mirror: where the log is served, https://host/log/PROJECT; else this project's, without HTTP",
      },
      "log-key": {
        value: "VKEY",
        multiple: true,
        help: "Key that the log is trusted by; repeat it for more; else this project's",
      },
      hashes: { help: "mirror: hashes only, no entries" },
      ...ENTRY_FILTERS,
      after: { value: "OFFSET", help: "export: go on after the line with this offset" },
      below: { value: "INDEX", help: "archive: entries below it, rounded down to 256" },
      "older-than": { value: "DAYS", help: "archive: entries older than that" },
      "down-to": { value: "INDEX", help: "restore: no archive that lies below it" },
    },
    operandsMin: 1,
    operandsMax: 2,
    load: async () => (await import("./commands/ledger.ts")).ledger,
  },
  {
    name: "call",
    usage: "OPERATION [JSON]",
    summary: "Any operation by its name, with its input as JSON; a stream prints a line an item",
    options: {
      ...KEY,
      "request-id": { value: "ID", help: "Kept with everything that the call leaves" },
      "idempotency-key": { value: "KEY", help: "The same with the same input: done once" },
    },
    operandsMin: 1,
    operandsMax: 2,
    load: async () => (await import("./commands/call.ts")).callOperation,
  },
  {
    name: "mcp",
    usage: "",
    summary: "MCP over standard input and output, for a host of agents to start",
    options: KEY,
    operandsMin: 0,
    operandsMax: 0,
    load: async () => (await import("./commands/mcp.ts")).mcp,
  },
  {
    name: "status",
    usage: "",
    summary: "Engine, schema, project and log at a glance",
    options: KEY,
    operandsMin: 0,
    operandsMax: 0,
    load: async () => (await import("./commands/status.ts")).status,
  },
  {
    name: "operations",
    usage: "",
    summary: "Every operation, with its path",
    options: {},
    operandsMin: 0,
    operandsMax: 0,
    load: async () => (await import("./commands/operations.ts")).listOperations,
  },
  {
    name: "migrate",
    usage: "status|up|down|redo|check",
    summary: "Bring the schema to this version, back, or say what that would do",
    options: {
      to: { value: "N", help: "Number to stop at; down needs it" },
      force: { help: "Let down lose rows" },
    },
    operandsMin: 1,
    operandsMax: 1,
    load: async () => (await import("./commands/migrate.ts")).migrate,
  },
  {
    name: "selfcheck",
    usage: "",
    summary: "Check engine, schema, keys, clock and log once, and say what is wrong",
    options: {},
    operandsMin: 0,
    operandsMax: 0,
    load: async () => (await import("./commands/selfcheck.ts")).selfcheck,
  },
];

/** A command that is an operation on one id. */
function mirror(
  name: string,
  usage: string,
  summary: string,
  operation: string,
  alwaysText = false,
): Command {
  return {
    name,
    usage,
    summary,
    options: KEY,
    operandsMin: 1,
    operandsMax: 1,
    alwaysText,
    load: async () => (await import("./commands/mirror.ts")).mirrorOf(operation),
  };
}
