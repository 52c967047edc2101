import type { Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { generatePayments } from "../generate-payments.ts";
import { type Tell, teller } from "../print.ts";
import { Progress } from "../progress.ts";
import { usage } from "../refusals.ts";
import { type Session, withSession } from "../session.ts";
import { showProof } from "../show-proof.ts";
import { Tally, tallyText } from "../tally.ts";

const CONCURRENT = 64;
const SEED = 7325;
const COUNT = 2_000;
const COUNT_MAX = 1_000_000;

export const demo: Run = async (command) => {
  const count = Number(command.values["count"] ?? COUNT);
  if (!Number.isInteger(count) || count < 1 || count > COUNT_MAX)
    throw usage("demo", `--count takes 1 to ${COUNT_MAX}`);
  await withSession(command, (session) => runDemo(session, count, teller(command.json)));
  return EXIT.done;
};

/** The main job, visible: payments through the pipeline, what came of them, one refusal explained, one receipt checked. */
export async function runDemo(session: Session, count: number, tell: Tell): Promise<void> {
  const payments = generatePayments(SEED, count);
  const progress = new Progress("Transactions", count);
  const tally = new Tally();
  let done = 0;
  const worker = async () => {
    for (let next = payments.next(); !next.done; next = payments.next()) {
      await tally.add(
        session.call("risk.transaction.assess", next.value, { acknowledge: "durable" }),
      );
      progress.update(++done);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, worker));
  progress.finish(done);
  tell({ event: "tally", ...tally.state }, `\n${tallyText(tally)}\n`);
  await showProof(session, tally, tell);
}
