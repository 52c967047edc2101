import type { Operation } from "#pipeline";

/** A way to call: every operation of the list, generically, by a client that somebody could have. */
export interface Face {
  readonly name: string;
  /** Folder that it is made in. */
  readonly home: string;
  /** Only these kinds of operations; all unless told. */
  readonly kinds?: readonly Operation["kind"][];
  /** Serves agents: what is not for them is neither shown nor done. */
  readonly forAgents?: true;
  call(operation: Operation, input: Input, from: Caller, requestId: string): Promise<Answer>;
}

export type Input = Readonly<Record<string, unknown>>;

/** Who calls. Without a key nobody does. */
export interface Caller {
  readonly key?: string;
  /** Key of an agent session in the same account's name, for the face on which keys do not write. */
  readonly agentKey?: string;
  /** What the record calls them: as themselves, and as the agent in their name. */
  readonly actors: readonly string[];
}

export const NOBODY: Caller = { actors: [] };

/** What came of a call: its output (of a stream the items), or the code it was refused with. */
export type Answer = {
  /** The id that the face told. */
  readonly callId: string | undefined;
} & ({ readonly output: unknown } | { readonly code: string });

/** Keys for clients that do not start without one: nobody's. */
export const NOBODYS_KEY = "nobody";

/** `service-account` is serviceAccount. */
export const camel = (word: string): string =>
  word.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Whether an operation is called through a face, refused there whoever calls, or not a thing of it at all. */
export function serves(
  { kinds, forAgents }: Face,
  { kind, agents }: Operation,
): "calls" | "refuses" | "nothing" {
  if (kinds !== undefined && !kinds.includes(kind)) return "nothing";
  return forAgents === true && agents === "never" ? "refuses" : "calls";
}
