import { cedar } from "../../src/domains/authz/cedar/policies.ts";
import {
  type Decision,
  type EntityJson,
  EntityRef,
  type EntityUid,
  entitiesOf,
  Malformed,
  PolicySet,
  type PolicySetJson,
  type Request,
  recordOf,
  Schema,
  type SchemaJson,
} from "../../src/domains/authz/engine/index.ts";
import type { Case, RequestJson } from "./cases.ts";

/** What an engine says to a question: its decision, or that it takes the question for none. */
export type Said = Decision | "refused";

interface Known {
  readonly policies: PolicySetJson;
  readonly entities: readonly EntityJson[];
}

/** What Cedar says; with a schema it looks through entities and request first. */
export async function cedarSays(
  { policies, entities }: Known,
  request: RequestJson,
  schema?: SchemaJson,
): Promise<Said> {
  const answer = await cedar.call("isAuthorized", {
    ...request,
    policies,
    entities,
    ...(schema === undefined ? {} : { schema, validateRequest: true }),
  });
  if (answer.type === "failure") return "refused";
  const { decision, diagnostics } = answer.response;
  return {
    outcome: decision,
    reasons: [...diagnostics.reason].sort(),
    errors: diagnostics.errors.map(({ policyId }) => policyId).sort(),
  };
}

/** What our evaluator says, by `decide` and by `trace`, where it skips the forbids that fail, as Cedar does. */
export function weSay({
  policies,
  stores,
  requests,
}: Case): readonly { readonly decided: Said; readonly traced: Said }[] {
  const set = new PolicySet(policies, { failingForbids: "skip" });
  return requests.map((json, i) => {
    const request = refusing(() => requestOf(json, stores[i % 2]!));
    if (request === "refused") return { decided: request, traced: request };
    const { steps: _, ...traced } = set.trace(request);
    return { decided: set.decide(request), traced };
  });
}

/** Whether our schema takes the question; the groups of its action come from the schema. */
export const keepsTo = (
  schema: SchemaJson,
  entities: Known["entities"],
  request: RequestJson,
): boolean =>
  refusing(() => {
    const ours = new Schema(schema);
    ours.check(requestOf(request, [...entities, ...ours.lineageOf(request.action)]));
    return true;
  }) === true;

function refusing<T>(work: () => T): T | "refused" {
  try {
    return work();
  } catch (error) {
    if (error instanceof Malformed) return "refused";
    throw error;
  }
}

const refOf = ({ type, id }: EntityUid): EntityRef => new EntityRef(type, id);

export const requestOf = (json: RequestJson, entities: Known["entities"]): Request => ({
  principal: refOf(json.principal),
  action: refOf(json.action),
  resource: refOf(json.resource),
  context: recordOf(json.context, "context"),
  entities: entitiesOf(entities),
});

/** How often each came about, to know what was compared. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(...names: readonly string[]): void {
    for (const name of names) this.#counts.set(name, this.of(name) + 1);
  }

  said(said: Said): void {
    this.add("requests");
    if (said === "refused") return this.add("refused");
    this.add(said.outcome, ...(said.errors.length > 0 ? ["errors"] : []));
    this.add(...said.reasons.map(() => "policies that determine"));
    this.add(...said.errors.map(() => "policies that fail"));
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** How often it came about in a request, on average. */
  rate(name: string): number {
    return this.of(name) / this.of("requests");
  }

  get text(): string {
    return [...this.#counts].map(([name, count]) => `${count} ${name}`).join(", ");
  }
}
