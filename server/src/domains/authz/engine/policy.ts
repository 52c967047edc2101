import { type Compiled, compile, type Slots } from "./compile.ts";
import type { Entities } from "./entities.ts";
import { type ActionScope, conjuncts, type Expression, type Policy, type Scope } from "./est.ts";
import { isPlain, type Path, pathsOf } from "./paths.ts";
import { clauseText, type Shows } from "./text.ts";
import { type EntityRef, keyOfUid } from "./value.ts";

/** A static policy, or a template with its slots filled, made ready to be weighed. */
export class CompiledPolicy {
  readonly id: string;
  readonly effect: "permit" | "forbid";
  /** As written; of a linked template the template. */
  readonly source: Policy;
  readonly slots: Slots;
  readonly clauses: readonly Clause[];
  readonly principal: ScopeTest;
  readonly action: ScopeTest;
  readonly resource: ScopeTest;
  /** Resources of other types cannot match; null: of any type can. */
  readonly resourceType: string | null;

  constructor(id: string, source: Policy, slots: Slots = {}) {
    this.id = id;
    this.effect = source.effect;
    this.source = source;
    this.slots = slots;
    this.clauses = source.conditions.flatMap(({ kind, body }, condition) =>
      conjuncts(body).map((part) => new Clause(kind, condition, part, slots)),
    );
    this.principal = scopeTest(source.principal, slots["?principal"]);
    this.action = actionTest(source.action);
    this.resource = scopeTest(source.resource, slots["?resource"]);
    this.resourceType = typeOf(source.resource, slots["?resource"]);
  }
}

/** A part of a condition between two `&&`. */
export class Clause {
  readonly kind: "when" | "unless";
  /** Which condition it is a part of. */
  readonly condition: number;
  readonly test: Compiled;
  readonly #node: Expression;
  #text: string | undefined;
  #paths: readonly Path[] | undefined;

  constructor(kind: Clause["kind"], condition: number, node: Expression, slots: Slots) {
    this.kind = kind;
    this.condition = condition;
    this.test = compile(node, slots);
    this.#node = node;
  }

  /** As one reads it. Made when it is first asked for: most sets are never traced in full. */
  get text(): string {
    return (this.#text ??= clauseText(this.#node));
  }

  /** The same, naming only these entities. */
  textFor(shows: Shows): string {
    return clauseText(this.#node, shows);
  }

  /** Whether everything that it reads of entities stands in `paths`. */
  get isPlain(): boolean {
    return isPlain(this.#node);
  }

  get paths(): readonly Path[] {
    return (this.#paths ??= pathsOf(this.#node));
  }
}

type ScopeTest = (ref: EntityRef, entities: Entities) => boolean;

type Uid = { readonly type: string; readonly id: string };

function scopeTest(scope: Scope, slot: Uid | undefined): ScopeTest {
  switch (scope.op) {
    case "All":
      return () => true;
    case "is": {
      const type = scope.entity_type;
      if (scope.in === undefined) return (ref) => ref.type === type;
      const isIn = inTest((scope.in.entity ?? slot)!);
      return (ref, entities) => ref.type === type && isIn(ref, entities);
    }
    case "==": {
      const { type, id } = (scope.entity ?? slot)!;
      return (ref) => ref.id === id && ref.type === type;
    }
    case "in":
      return inTest((scope.entity ?? slot)!);
  }
}

function inTest({ type, id }: Uid): ScopeTest {
  const group = { key: keyOfUid(type, id) };
  return (ref, entities) => entities.isIn(ref, group);
}

function actionTest(scope: ActionScope): ScopeTest {
  if (!("entities" in scope)) return scopeTest(scope, undefined);
  const tests = scope.entities.map(inTest);
  return (ref, entities) => tests.some((test) => test(ref, entities));
}

const typeOf = (scope: Scope, slot: Uid | undefined): string | null => {
  if (scope.op === "is") return scope.entity_type;
  return scope.op === "==" ? (scope.entity ?? slot)!.type : null;
};
