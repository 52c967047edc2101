import type { Operation } from "#pipeline";
import type { TestSystem } from "../system.ts";
import type { Case } from "./cases.ts";
import type { Caller, Face, Input } from "./face.ts";
import { observe, type Seen } from "./observe.ts";
import { makeStranger, makeWorld, type World } from "./world.ts";

/** What one operation does on one face: the call that is answered, and those that are refused. */
export interface Examined {
  readonly done: Seen;
  readonly denied: Seen;
  readonly unauthenticated: Seen;
  readonly invalid?: Seen;
  readonly missing?: Seen;
}

/** Where refused calls are made: nothing of them stays, so that all faces can share it. */
export interface Ground {
  readonly system: TestSystem;
  readonly elsewhere: World;
  /** May do nothing, at home elsewhere. */
  readonly stranger: Caller;
}

export async function openGround(system: TestSystem): Promise<Ground> {
  const elsewhere = await makeWorld(system, ALL_DOMAINS);
  return { system, elsewhere, stranger: await makeStranger(system, elsewhere) };
}

const ALL_DOMAINS = ["agents", "authz", "control-plane", "ops", "risk", "webhooks", "ledger"];

/** Makes every call of a case through a face, each in a world that is equal to that of the other faces. */
export async function examine(
  { system, elsewhere, stranger }: Ground,
  face: Face,
  operation: Operation,
  { prepare, bad, missing }: Case,
): Promise<Examined> {
  const isAgents = operation.kind === "write" && operation.agents !== "never";
  const world = await makeWorld(system, isAgents ? [operation.name] : []);
  const input = await prepare(world);
  const done = await observe(system, face, operation, { world, input, from: world.admin });
  const refused = (from: Caller, more: Input = {}) =>
    observe(system, face, operation, { world: elsewhere, input: { ...input, ...more }, from });
  const [denied, unauthenticated, invalid, lost] = await Promise.all([
    refused(stranger),
    refused({}),
    bad && refused(elsewhere.admin, bad),
    missing && refused(elsewhere.admin, missing.input),
  ]);
  return {
    done,
    denied,
    unauthenticated,
    ...(invalid && { invalid }),
    ...(lost && { missing: lost }),
  };
}

/** What is known beforehand of every call: codes, decisions and entries. Outputs are compared with REST's. */
export function expected(
  { name, kind }: Operation,
  { bad, missing }: Case,
  { done }: Examined,
): Examined {
  const [resource] = done.decisions.map((decision) => decision.resource);
  const isWrite = kind === "write";
  const decided = {
    operation: name,
    actor: "<caller>",
    outcome: isWrite ? "done" : "read",
    code: null,
    policy: "allow",
    action: name,
    resource: resource!,
  };
  const entry = { kind: "call", action: name, outcome: "done" };
  const refusal = { kind: "refusal", action: name, outcome: "refused" };
  const nothing = { decisions: [], entries: [], toldRight: true };
  return {
    done: {
      output: done.output,
      decisions: [decided, ...done.decisions.slice(1)],
      entries: isWrite ? [entry] : [],
      toldRight: true,
    },
    denied: isPublic(name)
      ? { ...nothing }
      : {
          code: "policy/denied",
          decisions: [],
          entries: [refusal],
          toldRight: true,
        },
    unauthenticated: { code: "request/unauthenticated", ...nothing },
    ...(bad && { invalid: { code: "request/invalid", ...nothing } }),
    ...(missing && { missing: { code: missing.code, ...nothing } }),
  };
}

const isPublic = (name: string): boolean => name === "control-plane.me.get";
