import { boundAgent } from "./agent.ts";
import type { Chain } from "./chain.ts";
import { factsOf } from "./facts.ts";
import type { Operation } from "./operation.ts";
import type { Parts } from "./parts.ts";
import type { Principal, Question } from "./ports.ts";
import { denied } from "./refusals.ts";

/**
 * Step 2: may this principal do this? Deny by default; the verdict and its trace are kept either way.
 * @param again the call is decided again
 */
export async function policy(parts: Parts, chain: Chain, again: boolean): Promise<void> {
  const { operation, request } = chain;
  const { principal, input } = request;
  const asked: Question = {
    principal,
    action: actionOf(operation),
    resource: resourceOf(operation, { input, principal }),
    context: {
      ...contextOf(operation, input),
      ...factsOf(principal, { address: chain.incoming.address, time_ms: chain.time_ms }),
    },
  };
  const { question, decision } = await decided(parts, principal, asked);
  chain.question = question;
  chain.decision = decision;
  const about = {
    id: chain.id,
    askedBy: null,
    requestId: chain.requestId,
    operation: operation.name,
    time_ms: chain.time_ms,
  };
  chain.rows.push(...parts.policy.rows(decision, question, about));
  if (decision.outcome === "deny") {
    const isFull = await mayReadWhy(parts, chain);
    const agent = question === asked ? undefined : principal;
    const { facts, help } = parts.policy.explain(decision, question, isFull, agent);
    throw denied({ decision_id: chain.id, ...facts }, help);
  }
  await boundAgent(parts, chain, again);
}

/** An agent session may do what both it and the account in whose name it acts may do: a denial of either is the answer. */
async function decided(parts: Parts, principal: Principal, question: Question) {
  const decision = await parts.policy.decide(principal, question);
  if (principal.session === null || decision.outcome === "deny") return { question, decision };
  const account = { type: "ServiceAccount", id: principal.accountId, groups: principal.groups };
  const asAccount = { ...question, principal: account };
  const own = await parts.policy.decide(principal, asAccount);
  if (own.outcome === "deny") return { question: asAccount, decision: own };
  return { question, decision: { ...decision, approval: decision.approval || own.approval } };
}

/** Who may read this call's chain afterwards is told in full why something was denied. */
export function mayReadWhy(parts: Pick<Parts, "policy">, chain: Chain): Promise<boolean> {
  const { principal } = chain.request;
  const { auth, network, time } = chain.question!.context;
  return parts.policy.allows(principal, {
    principal,
    action: actionOf(WHY),
    resource: { type: "Chain", id: chain.id },
    context: { auth, network, time },
  });
}

const WHY = { name: "telemetry.chain.why", kind: "read" } as const;

/** What a call acts on. */
export function resourceOf(
  { policy: { resource } }: Operation,
  call: { readonly input: unknown; readonly principal: Principal },
): Question["resource"] {
  return { type: resource.type, id: resource.id(call) };
}

/** What of a call's input conditions may read; a field that was not given is not there. */
export function contextOf({ policy }: Operation, input: unknown): Question["context"] {
  const given = input as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    (policy.context ?? []).flatMap((name) =>
      given[name] === undefined ? [] : [[name, given[name]]],
    ),
  );
}

/** `risk.transaction.assess` is in the action groups `risk`, `risk.transaction` and `write`. */
export function actionOf(operation: Pick<Operation, "name" | "kind">): Question["action"] {
  let action = actions.get(operation);
  if (action === undefined) {
    const { name, kind } = operation;
    // Who may read may read as it happens.
    action = { id: name, groups: [kind === "write" ? "write" : "read", ...dottedGroups(name)] };
    actions.set(operation, action);
  }
  return action;
}

/** By operation, never by a name: callers choose the names that they ask about. */
const actions = new WeakMap<Pick<Operation, "name" | "kind">, Question["action"]>();

/** `doc.page.read` is in `doc` and `doc.page`. */
export function dottedGroups(name: string): string[] {
  const words = name.split(".");
  return words.slice(1).map((_, i) => words.slice(0, i + 1).join("."));
}
