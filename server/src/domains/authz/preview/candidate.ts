import type { Question } from "#pipeline";
import { parseJson } from "#verifier";
import {
  type Decision,
  EntityRef,
  Malformed,
  type Request,
  recordOf,
  type Schema,
} from "../engine/index.ts";
import { explain } from "../explain.ts";
import type { Version } from "../policy.ts";
import { completed, isActionType, requestOf } from "../question.ts";
import type { Recorded } from "../replay/queries.ts";
import type { Known } from "../replay/recall.ts";
import { FULL } from "../view.ts";

/** What a candidate would say to a recorded question. */
export type Verdict =
  | ({ readonly kind: "decided" } & Decision)
  /** Its schema has no such question: who asks it is refused. */
  | { readonly kind: "refused"; readonly at: string; readonly message: string }
  /** What was known is gone, or was edited so that it says nothing. */
  | { readonly kind: "unreadable" };

/** A version that might decide from now on, with the schema that it would be asked by. */
export class Candidate {
  readonly version: Pick<Version, "policies">;
  readonly schema: Schema;
  /** By what was known, which many decisions share. */
  readonly #asked = new WeakMap<Known, Request>();

  constructor(version: Pick<Version, "policies">, schema: Schema) {
    this.version = version;
    this.schema = schema;
  }

  judge(recorded: Recorded, known: Known): Verdict {
    const request = this.#request(recorded, known);
    if (request === null) return { kind: "unreadable" };
    return this.#verdict(() => {
      // Calls are not checked when they are decided, but only questions that somebody asks.
      if (recorded.asked_by !== null) this.schema.check(request);
      return request;
    });
  }

  /** The same to a question that nobody has asked, as if it were asked at this time. */
  ask(question: Question, time_ms: number): Verdict {
    return this.#verdict(() => requestOf(completed(question, this.schema, time_ms)));
  }

  #verdict(posed: () => Request): Verdict {
    try {
      return { kind: "decided", ...this.version.policies.decide(posed()) };
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      return { kind: "refused", at: error.at, message: error.message };
    }
  }

  /** Why it denies what it decided, with all that was known then. */
  why(recorded: Recorded, known: Known): ReturnType<typeof explain> {
    const { principal, action, entities } = known;
    const resource = { type: recorded.resource_type, id: recorded.resource_id };
    const request = this.#request(recorded, known)!;
    const context = parseJson(recorded.context);
    const question: Question = { principal, action, resource, context, entities };
    return explain(question, this.version.policies.trace(request), FULL);
  }

  #request(recorded: Recorded, known: Known): Request | null {
    if (!known.isReadable) return null;
    try {
      return {
        ...(recorded.asked_by === null ? known.request : this.#askedOf(known)),
        resource: new EntityRef(recorded.resource_type, recorded.resource_id),
        context: recordOf(parseJson(recorded.context), "context"),
      };
    } catch (error) {
      if (error instanceof Malformed || error instanceof SyntaxError) return null;
      throw error;
    }
  }

  /** In which groups a question's action is says the schema that it is asked by, which is the candidate's now. */
  #askedOf(known: Known): Request {
    let request = this.#asked.get(known);
    if (request === undefined) {
      const { principal, action, entities } = known;
      const told = entities.filter(({ uid }) => !isActionType(uid.type));
      const lineage = this.schema.lineageOf({ type: action.type ?? "Action", id: action.id });
      request = requestOf({
        principal,
        action: { ...action, groups: [] },
        resource: { type: "", id: "" },
        context: {},
        entities: [...told, ...(lineage as typeof told)],
      });
      this.#asked.set(known, request);
    }
    return request;
  }
}
