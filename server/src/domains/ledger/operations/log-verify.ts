import { z } from "zod";
import { ROOT } from "#kernel/ids.ts";
import { operation } from "#pipeline";
import { verificationBusy } from "../refusals.ts";
import { inProject } from "../root/queries.ts";
import { verifyLog } from "../verify/verify.ts";

const finding = z.object({
  kind: z.string(),
  at: z.int().nullable().describe("Place of the entry, or size of the checkpoint"),
  message: z.string(),
  expected: z.string().optional().describe("What was sealed, where a hash or a number says it"),
  found: z.string().optional(),
});

export const logVerify = operation({
  name: "ledger.log.verify",
  summary:
    "Recomputes the project's log from stored values to every signed checkpoint, from its beginning or from where it was verified before.",
  rest: "POST /v1/ledger/verify",
  kind: "read",
  input: z.strictObject({
    log: z
      .enum(["own", "root"])
      .default("own")
      .describe("root: the log over the heads of all logs, which everybody may read"),
    since_size: z
      .int()
      .min(0)
      .default(0)
      .describe("Entries that were verified before: they are not read again"),
    since_root: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .meta({ examples: ["5d53469f20fef4f8eab52b88044ede69c77a6a68a60728609fc4a65ff531e7d0"] })
      .optional()
      .describe("Hex of their root; that of the checkpoint at this size unless told"),
    entries_max: z
      .int()
      .min(1)
      .optional()
      .describe("Stop after so many; size and root say where to go on"),
  }),
  output: z.object({
    valid: z.boolean(),
    log: z.string(),
    complete: z.boolean().describe("Whether the log was verified to its end, and rows beside it"),
    since: z.int().describe("Entries that were passed over, since they were verified before"),
    size: z.int().describe("Entries up to where the log is verified now"),
    entries: z.int().describe("Entries that were verified now"),
    minimum: z
      .int()
      .describe("Entries below it are in archives: their hashes were recomputed, no values"),
    checkpoints: z.int(),
    erased: z.int().describe("Payloads that were erased; their proofs hold"),
    cosignatures: z.int().describe("Cosignatures of the policy's witnesses that hold"),
    sealed_heads: z
      .int()
      .describe("Heads of this log in the root log that are as they were sealed"),
    root: z.string().describe("Hex of the recomputed root"),
    first: finding.nullable().describe("The finding that comes first in the log"),
    findings: z.array(finding),
    more_findings: z.int(),
  }),

  policy: { resource: { type: "Log", id: ({ principal }) => principal.tenantId } },
  score: "none",
  async action({ tx, ports, principal, input }) {
    const { tenantId } = principal;
    if (running.has(tenantId) || running.size >= AT_ONCE_MAX) throw verificationBusy(running.size);
    running.add(tenantId);
    try {
      const { log, since_size: size, since_root: root, entries_max: entriesMax } = input;
      const { cosigners } = ports.ledger;
      const exchangedKey = await ports.ledger.exchangedKey(
        log === "own" ? principal.tenantId : ROOT.id,
      );
      const options = { since: { size, root }, entriesMax, cosigners, exchangedKey };
      const verify = () => verifyLog(tx, options);
      const report =
        log === "own" ? await verify() : await inProject(tx, ROOT.id, tenantId, verify);
      return { ...report, findings: [...report.findings] };
    } finally {
      running.delete(tenantId);
    }
  },
});

/** Each reads a whole log on a connection of its own: more at once would leave other calls without one. */
const AT_ONCE_MAX = 2;
/** Projects, each with one at most: none can take the others' places. */
const running = new Set<string>();
