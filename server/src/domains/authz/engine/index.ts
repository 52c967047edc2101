/**
 * Decides by Cedar policies in their JSON form: pure, without IO, fit for a browser. Cedar's semantics
 * (docs.cedarpolicy.com), stricter in one thing: a `forbid` in scope that fails denies.
 */
export { bare, Entities, type Entity } from "./entities.ts";
export type * from "./est.ts";
export { conjuncts, partsOf } from "./est.ts";
export { entitiesOf, jsonOf, Malformed, recordOf, valueOf } from "./from-json.ts";
export { excessOf, type Flaw, flawsOf, LIMITS } from "./limits.ts";
export { type Path, pathsOf, valueAt } from "./paths.ts";
export type { Clause, CompiledPolicy } from "./policy.ts";
export {
  BUDGET_SPENT,
  type Decision,
  ENGINE,
  PolicySet,
  type Request,
  type Step,
  type Traced,
  type Weighed,
} from "./policy-set.ts";
export { Schema, type SchemaJson, type Shape } from "./schema.ts";
export { clauseText, type Shows, scopeText } from "./text.ts";
export { EntityRef, Failure, type Value } from "./value.ts";
