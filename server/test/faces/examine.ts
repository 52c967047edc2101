import { expect } from "vitest";
import type { Operation } from "#pipeline";
import type { TestSystem } from "../system.ts";
import type { Case } from "./cases.ts";
import { type Caller, type Face, type Input, NOBODY } from "./face.ts";
import { observe, type Seen } from "./observe.ts";
import { makeStranger, makeWorld, type World } from "./world.ts";

/** What an operation does on a face: the call that is answered, and those that are refused. */
export interface Examined {
  readonly done: Seen;
  /** By the policies; not where everybody may. */
  readonly denied?: Seen;
  readonly unauthenticated: Seen;
  /** An input that does not fit; not where there is nothing to get wrong. */
  readonly invalid?: Seen;
  /** An id that nothing has; not where there is none. */
  readonly missing?: Seen;
}

/** Where refused calls are made: they leave nothing that others could see, so that all faces share it. */
export interface Ground {
  readonly system: TestSystem;
  readonly elsewhere: World;
  /** At home there, and may do nothing. */
  readonly stranger: Caller;
}

export async function openGround(system: TestSystem): Promise<Ground> {
  const elsewhere = await makeWorld(system, EVERYTHING);
  return { system, elsewhere, stranger: await makeStranger(system, elsewhere, EVERYTHING) };
}

const EVERYTHING =
  "agents authz control-plane ledger ops registries risk telemetry vault webhooks".split(" ");

/** Makes every call of a case through a face, in a world that is equal to that of the other faces. */
export async function examine(
  { system, elsewhere, stranger }: Ground,
  face: Face,
  operation: Operation,
  { prepare, bad, missing, isOpen }: Case,
): Promise<Examined> {
  const isForAgents = operation.kind === "write" && operation.agents !== "never";
  const world = await makeWorld(system, isForAgents ? [operation.name] : []);
  const input = await prepare(world);
  const done = await observe(system, face, operation, { world, input, from: world.admin });
  const refused = (from: Caller, more: Input = {}) =>
    observe(system, face, operation, { world: elsewhere, input: { ...input, ...more }, from });
  const seen = {
    denied: isOpen ? undefined : refused(stranger),
    unauthenticated: refused(NOBODY),
    invalid: bad && refused(elsewhere.admin, bad),
    missing: missing && refused(elsewhere.admin, missing.input),
  };
  const made = Object.entries(seen).filter(([, one]) => one !== undefined);
  const refusals = await Promise.all(made.map(async ([name, one]) => [name, await one]));
  return { done, ...Object.fromEntries(refusals) };
}

/** What is known of the calls beforehand: all but outputs, and types of resources. */
export function expected({ name, kind, page }: Operation, { bad, missing, isOpen }: Case): object {
  const isWrite = kind === "write";
  const seen = (code: string | undefined, decisions: object[], entries: object[]) => ({
    ...(code === undefined ? {} : { code }),
    decisions,
    entries,
    toldRight: true,
  });
  const decision = (outcome: string, policy: string, code: string | null) => ({
    operation: name,
    actor: "<caller>",
    outcome,
    code,
    policy,
    action: name,
  });
  const entry = (kind: string, outcome: string) => ({ kind, action: name, outcome });
  const done = decision(isWrite ? "done" : "read", "allow", null);
  const denied = decision("refused", "deny", "policy/denied");
  const lost = decision(isWrite ? "refused" : "read", "allow", missing?.code ?? null);
  return {
    done: {
      ...seen(undefined, [], isWrite ? [entry("call", "done")] : []),
      // Pages of one item, so that none is empty.
      output: page === undefined ? expect.anything() : { items: [expect.anything()] },
      // An operation may decide more than itself.
      decisions: expect.arrayContaining([expect.objectContaining(done)]),
    },
    ...(!isOpen && { denied: seen("policy/denied", [denied], [entry("refusal", "refused")]) }),
    unauthenticated: seen("request/unauthenticated", [], []),
    ...(bad && { invalid: seen("request/invalid", [], []) }),
    ...(missing && {
      missing: seen(missing.code, [lost], isWrite ? [entry("refusal", "refused")] : []),
    }),
  };
}
