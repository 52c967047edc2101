import { leaveDrift } from "../drift.ts";
import { leaveProposal } from "../policies.ts";
import { leaveDisagreement, leavePreview } from "../previews.ts";
import type { TestSystem } from "../system.ts";
import type { Caller } from "./face.ts";

/** A project of its own for one call of one face, made as it is made for the others. */
export interface World {
  readonly projectId: string;
  /** The administrator, whose account it is. */
  readonly admin: Caller;
  readonly accountId: string;
  /** What the REST face gives; throws when it refuses. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  ask(method: "GET" | "POST" | "DELETE", path: string, body?: unknown, key?: string): Promise<any>;
  /** Previews a version of a set, and gives the preview's id. */
  leavePreview(set: string, number: number): Promise<string>;
  /** Leaves a decision that came out otherwise when it was replayed. */
  leaveDisagreement(): Promise<void>;
  /** Counts the decisions so far, and leaves a finding. */
  leaveDrift(): Promise<void>;
  leaveProposal(): Promise<string>;
  /** Seals the heads of all logs in the root log. */
  sealHeads(): Promise<void>;
}

/** @param writes what the agent session in the administrator's name may call; there is none without */
export async function makeWorld(system: TestSystem, writes: readonly string[]): Promise<World> {
  const { key, projectId } = await system.project();
  const ask: World["ask"] = async (method, path, body, by = key) => {
    const answer = await system.as(by).call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
    return answer.body;
  };
  const [account] = await system.sql<{ id: string }>(
    "select id from control_plane.service_accounts where tenant_id = $1",
    [projectId],
  );
  const accountId = account!.id;
  const { sealHeads } = system;
  const drift = () => leaveDrift(system, projectId);
  const actors = [`ServiceAccount:${accountId}`];
  const same = {
    projectId,
    accountId,
    ask,
    sealHeads,
    leaveDrift: drift,
    leaveProposal: () => leaveProposal(system, projectId),
    leaveDisagreement: () => leaveDisagreement(system, projectId),
    leavePreview: (set: string, number: number) => leavePreview(system.as(key), set, number),
  };
  if (writes.length === 0) return { ...same, admin: { key, actors } };
  const session = await ask("POST", "/v1/agent-sessions", { name: "agent", writes });
  return {
    ...same,
    admin: { key, agentKey: session.key, actors: [...actors, `AgentSession:${session.id}`] },
  };
}

/** An account without groups, whom the policies allow nothing but to see who it is. */
export async function makeStranger(
  system: TestSystem,
  { projectId, ask }: World,
  writes: readonly string[],
): Promise<Caller> {
  const account = await ask("POST", "/v1/service-accounts", { name: "stranger" });
  const { key } = await ask("POST", "/v1/api-keys", {
    service_account_id: account.id,
    name: "key",
  });
  const session = await ask("POST", "/v1/agent-sessions", { name: "its", writes });
  // It may not make a session itself.
  await system.sql(
    "update control_plane.agent_sessions set service_account_id = $1 where tenant_id = $2 and id = $3",
    [account.id, projectId, session.id],
  );
  const actors = [`ServiceAccount:${account.id}`, `AgentSession:${session.id}`];
  return { key, agentKey: session.key, actors };
}
