import type { Tx } from "#kernel/db.ts";
import { actorOf } from "./5-seal.ts";
import { Answered, isAnswered } from "./answered.ts";
import type { Chain } from "./chain.ts";
import { Stale } from "./guard.ts";
import type { Parts } from "./parts.ts";
import { approvalNeeded, budgetSpent, notForAgents, notInSession } from "./refusals.ts";

/**
 * The gate for agents, after the policies have allowed a call: an agent's bounds are kept outside of the agent.
 * @param again the call is decided again, so it was counted already
 */
export async function boundAgent(parts: Parts, chain: Chain, again: boolean): Promise<void> {
  const { session, tenantId } = chain.request.principal;
  if (session === null) return;
  const { operation } = chain;
  if (operation.agents === "never") throw notForAgents(operation.name);
  if (operation.kind === "write" && !session.writes.some((name) => covers(name, operation.name)))
    throw notInSession(operation.name, session.writes);
  // What was done under this key stays done, and is neither counted nor asked for again.
  if (await isAnswered(parts, chain)) throw new Answered();
  if (!again && !(await parts.agents.spend(tenantId, session.id))) throw budgetSpent(session.id);
  if (operation.kind !== "write" || chain.decision?.approval !== true) return;
  const approval = await parts.agents.approve(tenantId, {
    sessionId: session.id,
    operation: operation.name,
    canonicalInput: chain.request.canonicalInput,
    decisionId: chain.id,
    time_ms: chain.time_ms,
  });
  if ("asked" in approval) throw approvalNeeded(approval.asked, actorOf(chain));
  chain.approval = approval;
}

/** Uses the approval up with the call, in its transaction: a call that is not done leaves it for the next attempt. */
export async function useApproval(parts: Parts, tx: Tx, { approval }: Chain): Promise<void> {
  if (approval !== undefined && !(await parts.agents.useApproval(tx, approval.id)))
    throw new Stale();
}

/** `ledger` and `ledger.audit` cover `ledger.audit.start`. */
const covers = (name: string, operation: string): boolean =>
  name === operation || operation.startsWith(`${name}.`);
