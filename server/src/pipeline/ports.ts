import type { IncomingHttpHeaders } from "node:http";
import type { z } from "zod";
import type { Append } from "#kernel/append.ts";
import type { Clock } from "#kernel/clock.ts";
import type { Db, Tx } from "#kernel/db.ts";
import type { Log } from "#kernel/log.ts";
import type { Slow } from "#kernel/log-slow.ts";
import type { Metrics } from "#kernel/metrics.ts";
import type { Facts, Refusal } from "#kernel/refusal.ts";
import type { Verifier } from "#verifier";

/** What the pipeline is given by main.ts: the steps that belong to a domain, and the ground they stand on. */
export interface Ports {
  readonly db: Db;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly slow: Slow;
  readonly authenticate: Authenticate;
  /** Where a request of a face came from. */
  readonly addressOf: (request: {
    readonly headers: IncomingHttpHeaders;
    readonly socket: { readonly remoteAddress?: string | undefined };
  }) => string | undefined;
  readonly revision: Revision;
  readonly policy: Policy;
  readonly scorer: Scorer;
  readonly ledger: Ledger;
  readonly telemetry: Telemetry;
  readonly feed: Feed;
  readonly agents: AgentGate;
  /** What the transaction's project shows to people without a key. */
  readonly readers: (tx: Tx) => Promise<Readers>;
  /** Groups that somebody of the transaction's project is in. */
  readonly groups: (tx: Tx) => Promise<readonly string[]>;
  readonly projectCreated: ProjectCreated;
  /** Encrypts a secret under the master key, to be opened where it is bound to only. */
  readonly sealSecret: (secret: Uint8Array, bound: string) => Uint8Array;
  /** Says in this transaction that earlier decisions of the project are stale; returns the new revision. */
  readonly raiseRevision: (tx: Tx, tenantId: string) => Promise<number>;
}

/** Gives a new project what the domains keep per project: its policies, its log. Runs in the project's scope. */
export type ProjectCreated = (tx: Tx, project: { id: string; createdBy: string }) => Promise<void>;

/** Who calls, in which project. */
export interface Principal {
  readonly type: "ServiceAccount" | "AgentSession";
  readonly id: string;
  /** The service account, or the one in whose name a session acts. */
  readonly accountId: string;
  /** The bounds of an agent; null for everybody else. */
  readonly session: { readonly id: string; readonly writes: readonly string[] } | null;
  readonly name: string;
  readonly groups: readonly string[];
  readonly tenantId: string;
  readonly organizationId: string;
  readonly projectName: string;
  readonly apiKeyId: string;
  readonly auth: Auth;
  /** When its credential ends, in milliseconds since 1970; null: never. */
  readonly expiresAt_ms: number | null;
  /** A score above this is refused: the project's threshold, 0 to 1. */
  readonly scoreMax: number;
  /** State of keys, policies and threshold that this was read at. */
  readonly revision: number;
}

/** What is known of how somebody signed in. */
export interface Auth {
  readonly method: AuthMethod;
  /** How much was done to know who it is. */
  readonly tier: AuthTier;
  /** Until when a fresh proof of presence counts, in milliseconds since 1970; null: there was none. */
  readonly stepUpUntil_ms: number | null;
}

/** From the weakest to the strongest; agent sessions have no other than theirs. */
export const AUTH_METHODS = ["agent", "api_key", "password", "mfa", "passkey"] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];
export const AUTH_TIERS = ["T1", "T2", "T3", "T4"] as const;
export type AuthTier = (typeof AUTH_TIERS)[number];

/** Step 1. Throws a refusal, or a `Suspicion` when a known key was forged, is revoked or has expired. */
export type Authenticate = (
  credential: string | undefined,
  withoutCache: boolean,
) => Promise<Principal>;

/** A failed sign-in that belongs to a project, so that the project can be told. */
export class Suspicion extends Error {
  readonly refusal: Refusal;
  readonly tenantId: string;
  readonly kind: string;
  /** Public part of the key that was named. */
  readonly prefix: string;
  readonly facts: Facts;
  constructor(refusal: Refusal, tenantId: string, kind: string, prefix: string, facts: Facts) {
    super(kind);
    this.refusal = refusal;
    this.tenantId = tenantId;
    this.kind = kind;
    this.prefix = prefix;
    this.facts = facts;
  }
}

/** The SQL expression of a project's revision; `tenant` is the placeholder of its id. */
export type Revision = (tenant: string) => string;

export interface Question {
  readonly principal: {
    readonly type: string;
    readonly id: string;
    readonly groups: readonly string[];
  };
  readonly action: {
    /** `Action` unless told; a project's own actions may stand in a namespace: `App::Action`. */
    readonly type?: string;
    readonly id: string;
    readonly groups: readonly string[];
  };
  readonly resource: { readonly type: string; readonly id: string };
  readonly context: Readonly<Record<string, unknown>>;
  /** What is known of principal, resource and others: their attributes, tags and parents, in Cedar's JSON form. */
  readonly entities?: readonly EntityFacts[];
  /** What the project keeps of them and was not told: whoever asks need not be allowed to read it. */
  readonly kept?: readonly EntityFacts[];
}

/** https://docs.cedarpolicy.com/auth/entities-syntax.html */
export interface EntityFacts {
  readonly uid: { readonly type: string; readonly id: string };
  readonly attrs?: Readonly<Record<string, z.core.util.JSONType>>;
  readonly parents?: readonly { readonly type: string; readonly id: string }[];
  readonly tags?: Readonly<Record<string, z.core.util.JSONType>>;
}

/** What the project keeps of these entities, and of what they are in. */
export type KnownEntities = (
  tenantId: string,
  uids: readonly EntityFacts["uid"][],
) => Promise<readonly EntityFacts[]>;

/** An answer, and the question with what the schema adds to it. */
export interface Asked {
  readonly question: Question;
  readonly decision: Decision;
}

/** Step 2. */
export interface Decision {
  readonly outcome: "allow" | "deny";
  /** Ids of the determining policies, sorted. */
  readonly reasons: readonly string[];
  readonly errors: readonly string[];
  readonly versionId: string | null;
  /** SHA-256, hex. */
  readonly traceHash: string;
  /** A policy that allowed it wants a person's approval when an agent calls. */
  readonly approval: boolean;
}

export interface Policy {
  decide(principal: Principal, question: Question): Promise<Decision>;
  /**
   * Answers somebody's question by a set of the principal's project; with `stored`, by what the project keeps of its
   * entities, too. Throws the refusal of one that is not as the schema says; what of it is kept is named where they may read it.
   */
  ask(
    principal: Principal,
    by: {
      readonly set: string;
      readonly stored: boolean;
      /** Nobody may unless told. */
      mayReadKept?(): Promise<boolean>;
    },
    question: Question,
  ): Promise<Asked>;
  /** A question with what the project keeps of its entities; what it tells itself counts more. */
  withStored(principal: Principal, question: Question): Promise<Question>;
  /** The outcome alone, recorded nowhere: for the items of a stream, which was itself decided. */
  allows(principal: Principal, question: Question): Promise<boolean>;
  /** The rows that keep a decision, its trace and what it knew. */
  rows(decision: Decision, question: Question, about: DecisionOf): readonly Append[];
  /**
   * What of an answer is for whoever asked: for those who may not read every decision no policies that what was looked up
   * decides, and not the hash, by which they could try what it might have been.
   */
  tell(
    decision: Decision,
    question: Question,
    isFull: boolean,
  ): Pick<Decision, "reasons" | "errors"> & { readonly traceHash: string | null };
  /**
   * Why it was denied and what would help: facts and one sentence; in full only for who may read every decision.
   * @param agent told when the question was asked as of the account in whose name this one acts: what account that is, is not told
   */
  explain(
    decision: Decision,
    question: Question,
    isFull: boolean,
    agent?: Question["principal"],
  ): { readonly facts: Facts; readonly help: string };
}

export interface DecisionOf {
  readonly id: string;
  readonly askedBy: string | null;
  readonly requestId: string;
  readonly operation: string;
  readonly time_ms: number;
}

/** Step 3: what a scorer weighs. Amounts in cents. */
export interface ScoreSubject {
  readonly type: string;
  readonly amountCents: number;
  readonly originBeforeCents: number | null;
  readonly originAfterCents: number | null;
}

export interface Score {
  /** 0 to 1, five decimals. */
  readonly value: number;
  readonly level: "LOW" | "MEDIUM" | "HIGH" | "CRITICAL";
  readonly reasons: readonly string[];
  readonly features: Readonly<Record<string, string | number | boolean | null>>;
  readonly modelVersionId: string;
}

export interface Scorer {
  score(subject: ScoreSubject): Score;
  rows(
    score: Score,
    of: { id: string; scoreMax: number; refused: boolean; time_ms: number },
  ): readonly Append[];
}

/** What of a project's log everybody may read: nothing; checkpoints, tiles and proofs; entries, too. */
export type Readers = "none" | "hashes" | "entries";

/** Step 5. */
export interface Ledger {
  /** Readers are shown a checkpoint once a quorum of witnesses has cosigned it; otherwise when it is signed. */
  readonly waitsForWitnesses: boolean;
  /** What checks the cosignatures of the witnesses that are known here. */
  readonly cosigners: readonly Verifier[];
  /** Number of a key of the log whose public half is not the one that its private half gives; null when all belong together. */
  exchangedKey(tenantId: string): Promise<number | null>;
  /** Reads what `rows` needs to know of a project's log: before a transaction, which has its one connection already. */
  ready(tenantId: string): Promise<void>;
  /** The rows of an entry that is durable once they are committed: its bytes in `pending`, its payload beside it. */
  rows(tenantId: string, entry: EntryOf): Promise<readonly Append[]>;
  /** Says that a project's log has new entries. */
  wake(tenantId: string): void;
  /** Resolves when a published checkpoint covers the entry; with null when that takes too long: the entry is durable. */
  published(tenantId: string, entryId: string): Promise<Place | null>;
}

export interface EntryOf {
  readonly id: string;
  readonly time_ms: number;
  readonly kind: "call" | "refusal" | "reads" | "event" | "job" | "head" | "rollover";
  readonly actor: string;
  readonly action: string;
  readonly outcome: "done" | "refused" | "failed";
  readonly refs: Readonly<Record<string, string>>;
  readonly payload: unknown;
}

export interface Place {
  readonly index: number;
  /** Size of the log that the checkpoint signs. */
  readonly size: number;
}

export interface Telemetry {
  linkRows(link: Link): readonly Append[];
  eventRows(event: SecurityEvent): readonly Append[];
}

export interface Link {
  readonly decisionId: string;
  readonly requestId: string;
  readonly operation: string;
  readonly actor: string;
  readonly outcome: "done" | "refused" | "read";
  readonly code: string | null;
  readonly subject: { readonly type: string; readonly id: string } | null;
  readonly entryId: string | null;
  readonly time_ms: number;
}

export interface SecurityEvent {
  /** That of the entry which seals it: verification looks for it there. */
  readonly id: string;
  readonly kind: string;
  readonly severity: "info" | "warning" | "critical";
  readonly actor: string;
  readonly requestId: string;
  readonly decisionId: string | null;
  readonly facts: Facts;
  readonly time_ms: number;
}

/** Bounds of agents that the database keeps. */
export interface AgentGate {
  /** Takes one call off a session's budget; false when there is none left. */
  spend(tenantId: string, sessionId: string): Promise<boolean>;
  /** The approval of this very call that was granted; otherwise the id of the one that is asked for. */
  approve(
    tenantId: string,
    call: {
      readonly sessionId: string;
      readonly operation: string;
      readonly canonicalInput: string;
      readonly decisionId: string;
      readonly time_ms: number;
    },
  ): Promise<Approval | { readonly asked: string }>;
  /** Uses up a granted approval in the call's own transaction; false when another call was quicker. */
  useApproval(tx: Tx, id: string): Promise<boolean>;
}

/** A person's yes to one call. */
export interface Approval {
  readonly id: string;
  readonly decidedBy: string;
}

/** What happens in projects, in the order of their logs. */
export interface Feed {
  /** Events of published entries from this index on: those that are there, at most a page. */
  read(tenantId: string, from: number): Promise<FeedPage>;
  /** How often something has changed that followers of the project should look at. */
  count(tenantId: string): number;
  /** Resolves when the count is another one than this, after `ms`, or when the signal aborts. */
  wait(tenantId: string, count: number, ms: number, signal: AbortSignal): Promise<void>;
}

export interface FeedPage {
  /** Index of the first entry that was not read. */
  readonly to: number;
  /** Entries that a checkpoint covers. */
  readonly size: number;
  /** Entries below this index are in archives, and nothing is told of them. */
  readonly minimum: number;
  /** The project's revision at which all of this was read. */
  readonly revision: number;
  readonly events: readonly FeedEvent[];
}

export interface FeedEvent {
  /** As its readers get it; one object for all of them. */
  readonly item: {
    readonly offset: string;
    readonly channel: string;
    readonly id: string;
    readonly time: string;
    readonly data: unknown;
  };
  readonly at: { readonly index: number; readonly ordinal: number };
  /** The operation that shows the same thing, and the resource that it would be asked about. */
  readonly operation: string;
  readonly resource: Question["resource"];
}
