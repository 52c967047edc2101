import { z } from "zod";
import { operation } from "#pipeline";
import { verificationBusy } from "../refusals.ts";
import { verifyLog } from "../verify.ts";

export const logVerify = operation({
  name: "ledger.log.verify",
  summary: "Recomputes the project's whole log from stored values to every signed checkpoint.",
  rest: "POST /v1/ledger/verify",
  kind: "read",
  input: z.strictObject({}),
  output: z.object({
    valid: z.boolean(),
    log: z.string(),
    entries: z.int(),
    minimum: z
      .int()
      .describe("Entries below it are in archives: their hashes were recomputed, no values"),
    checkpoints: z.int(),
    erased: z.int().describe("Payloads that were erased; their proofs hold"),
    root: z.string().describe("Hex of the recomputed root"),
    findings: z.array(z.object({ kind: z.string(), at: z.int().nullable(), message: z.string() })),
    more_findings: z.int(),
  }),

  policy: { resource: ({ principal }) => ({ type: "Log", id: principal.tenantId }) },
  score: "none",
  async action({ tx }) {
    if (running >= AT_ONCE_MAX) throw verificationBusy(AT_ONCE_MAX);
    running++;
    try {
      const report = await verifyLog(tx);
      return { ...report, findings: [...report.findings] };
    } finally {
      running--;
    }
  },
});

/** Each reads a whole log on a connection of its own: more at once would leave other calls without one. */
const AT_ONCE_MAX = 2;
let running = 0;
