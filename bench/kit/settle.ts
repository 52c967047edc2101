import { setTimeout as sleep } from "node:timers/promises";
import { count, type Scratch } from "./scratch.ts";

/** What a round leaves to the read log and to the sequencer is done before the other side's turn. */
export async function settle({ system, admin }: Scratch): Promise<void> {
  await system.parts.reads.flush();
  while ((await count(admin, "ledger.pending")) > 0) await sleep(20);
}
