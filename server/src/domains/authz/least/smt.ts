import { canonicalJson } from "#verifier";
import {
  type ActionScope,
  type EntityUid,
  type Expression,
  type Policy,
  type PolicySetJson,
  type Schema,
  type Scope,
} from "../engine/index.ts";

/** The truth of an expression: when it is true, when it is false; neither: it fails. */
interface Truth {
  readonly yes: string;
  readonly no: string;
}

type Literal = boolean | number | string;

/**
 * A script in SMT-LIB 2.6 that is satisfiable exactly when some request could be allowed by `wider` no more and by `narrower`
 * still: `unsat` proves that the second permits nothing new. What it does not understand stands for anything, the same in
 * both, so `sat` may be a false alarm, and `unsat` is none.
 */
export function widens(narrower: PolicySetJson, wider: PolicySetJson, schema: Schema): string {
  const script = new Script(schema);
  const [after, before] = [script.allows(narrower), script.allows(wider)];
  return script.text(`(and ${after} (not ${before}))`);
}

class Script {
  readonly #schema: Schema;
  readonly #lines: string[] = [];
  readonly #names = new Map<string, string>();
  readonly #strings = new Map<string, number>();
  #terms = 0;
  readonly #types = { principal: new Set<string>(), resource: new Set<string>() };

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  text(claim: string): string {
    return [
      "(set-logic ALL)",
      ...this.#lines,
      ...(["principal", "resource"] as const).flatMap((variable) => this.#exclusive(variable)),
      this.#actionIsOne(),
      `(assert ${claim})`,
      "(check-sat)",
      "",
    ].join("\n");
  }

  allows({ staticPolicies, templates = {}, templateLinks = [] }: PolicySetJson): string {
    const policies = [
      ...Object.values(staticPolicies).map((policy) => ({ policy, slots: {} })),
      ...templateLinks.map(({ templateId, values }) => ({
        policy: templates[templateId]!,
        slots: values,
      })),
    ];
    const by = (effect: Policy["effect"]) =>
      policies
        .filter(({ policy }) => policy.effect === effect)
        .map((one) => this.#policy(one.policy, one.slots));
    const permits = by("permit").map(({ scope, held }) => `(and ${scope} ${held.yes})`);
    // A forbid in scope that does not come out false denies: also one that fails.
    const forbids = by("forbid").map(({ scope, held }) => `(and ${scope} (not ${held.no}))`);
    return `(and ${any(permits)} (not ${any(forbids)}))`;
  }

  #policy({ principal, action, resource, conditions }: Policy, slots: Slots) {
    const scope = all([
      this.#scope("principal", principal, slots["?principal"]),
      this.#action(action),
      this.#scope("resource", resource, slots["?resource"]),
    ]);
    const held = conditions
      .map(({ kind, body }) => (kind === "when" ? this.#truth(body) : flipped(this.#truth(body))))
      .reduce<Truth>((a, b) => this.#both(a, b), { yes: "true", no: "false" });
    return { scope, held };
  }

  #scope(variable: "principal" | "resource", scope: Scope, slot: EntityUid | undefined): string {
    if (scope.op === "All") return "true";
    if (scope.op === "is") {
      const group = scope.in === undefined ? [] : [this.#in(variable, (scope.in.entity ?? slot)!)];
      return all([this.#type(variable, scope.entity_type), ...group]);
    }
    const uid = (scope.entity ?? slot)!;
    return scope.op === "in" ? this.#in(variable, uid) : this.#is(variable, uid);
  }

  #is(variable: "principal" | "resource", { type, id }: EntityUid): string {
    const key = canonicalJson([variable, "is", type, id]);
    const known = this.#names.has(key);
    const is = this.#bool(key);
    if (!known) {
      this.#lines.push(`(assert (=> ${is} ${this.#type(variable, type)}))`);
      this.#lines.push(`(assert (=> ${is} ${this.#in(variable, { type, id })}))`);
    }
    return is;
  }

  #in(variable: "principal" | "resource", { type, id }: EntityUid): string {
    return this.#bool(canonicalJson([variable, "in", type, id]));
  }

  #type(variable: "principal" | "resource", type: string): string {
    this.#types[variable].add(type);
    return this.#bool(canonicalJson([variable, "type", type]));
  }

  /** Nobody is of two types. */
  #exclusive(variable: "principal" | "resource"): string[] {
    const types = [...this.#types[variable]].map((type) => this.#type(variable, type));
    return types.flatMap((a, i) => types.slice(i + 1).map((b) => `(assert (not (and ${a} ${b})))`));
  }

  /** Requests are about one of the schema's actions, which lie in fixed groups. */
  #action(scope: ActionScope): string {
    if (scope.op === "All") return "true";
    const targets = "entities" in scope ? scope.entities : [scope.entity];
    const fits = this.#schema.actions.filter((action) => {
      const lineage = scope.op === "==" ? [{ uid: action }] : this.#schema.lineageOf(action);
      return lineage.some(({ uid }) =>
        targets.some((target) => canonicalJson(uid) === canonicalJson(target)),
      );
    });
    return any(fits.map((action) => `(= action ${this.#schema.actions.indexOf(action)})`));
  }

  #actionIsOne(): string {
    return `(declare-const action Int)\n(assert (and (<= 0 action) (< action ${this.#schema.actions.length})))`;
  }

  #truth(node: Expression): Truth {
    const [operator, operand] = Object.entries(node)[0] as [string, never];
    const { left, right, arg } = operand as {
      left: Expression;
      right: Expression;
      arg: Expression;
    };
    switch (operator) {
      case "&&":
        return this.#both(this.#truth(left), this.#truth(right));
      case "||":
        return flipped(this.#both(flipped(this.#truth(left)), flipped(this.#truth(right))));
      case "!":
        return flipped(this.#truth(arg));
      case "Value":
        if (typeof operand === "boolean") return { yes: String(operand), no: String(!operand) };
        break;
      case "<":
      case "<=":
      case ">":
      case ">=":
        return this.#comparison(operator, left, right) ?? this.#anything(node);
      case "==":
        return this.#equality(left, right) ?? this.#equality(right, left) ?? this.#anything(node);
      case "!=":
        return flipped(this.#truth({ "==": { left, right } }));
      case "contains":
        return this.#membership(left, right) ?? this.#anything(node);
    }
    return this.#anything(node);
  }

  /** Each has a name: written out, what stands in both would double with every level. */
  #both(a: Truth, b: Truth): Truth {
    return {
      yes: this.#named(`(and ${a.yes} ${b.yes})`),
      no: this.#named(`(or ${a.no} (and ${a.yes} ${b.no}))`),
    };
  }

  #named(term: string): string {
    const name = `t${this.#terms++}`;
    this.#lines.push(`(define-fun ${name} () Bool ${term})`);
    return name;
  }

  /** Of what is not understood: it is true, false or fails, and the same wherever it stands. */
  #anything(node: Expression): Truth {
    const key = canonicalJson(node);
    const known = this.#names.has(`${key} yes`);
    const truth = { yes: this.#bool(`${key} yes`), no: this.#bool(`${key} no`) };
    if (!known) this.#lines.push(`(assert (not (and ${truth.yes} ${truth.no})))`);
    return truth;
  }

  #comparison(operator: string, left: Expression, right: Expression): Truth | null {
    const [a, b] = [this.#long(left), this.#long(right)];
    if (a === null || b === null) return null;
    const [is, holds] = [all([...a.is, ...b.is]), `(${operator} ${a.value} ${b.value})`];
    return { yes: `(and ${is} ${holds})`, no: `(and ${is} (not ${holds}))` };
  }

  #long(node: Expression): { readonly value: string; readonly is: readonly string[] } | null {
    if ("Value" in node)
      return typeof node.Value === "number" ? { value: numeral(node.Value), is: [] } : null;
    const path = pathOf(node);
    if (path === null) return null;
    return { value: this.#const(`${path} long`, "Int"), is: [this.#bool(`${path} is long`)] };
  }

  /** A path compared with a literal: it fails where the path does, and is false for another type. */
  #equality(left: Expression, right: Expression): Truth | null {
    const path = pathOf(left);
    const literal = "Value" in right ? right.Value : null;
    if (path === null || literal === null || typeof literal === "object") return null;
    const [there, equal] = [this.#there(path), this.#equals(path, literal)];
    return { yes: `(and ${there} ${equal})`, no: `(and ${there} (not ${equal}))` };
  }

  /** A list of literals that is asked for a path. */
  #membership(list: Expression, member: Expression): Truth | null {
    const path = pathOf(member);
    if (path === null || !("Set" in list) || !Array.isArray(list.Set)) return null;
    const literals = (list.Set as readonly Expression[]).map((one) =>
      "Value" in one ? one.Value : null,
    );
    if (literals.some((one) => one === null || typeof one === "object")) return null;
    const [there, found] = [
      this.#there(path),
      any(literals.map((one) => this.#equals(path, one as Literal))),
    ];
    return { yes: `(and ${there} ${found})`, no: `(and ${there} (not ${found}))` };
  }

  #there(path: string): string {
    return this.#bool(`${path} is there`);
  }

  #equals(path: string, literal: Literal): string {
    if (typeof literal === "number")
      return `(and ${this.#bool(`${path} is long`)} (= ${this.#const(`${path} long`, "Int")} ${numeral(literal)}))`;
    const kind = typeof literal;
    const code = typeof literal === "string" ? this.#code(literal) : Number(literal);
    return `(and ${this.#bool(`${path} is ${kind}`)} (= ${this.#const(`${path} ${kind}`, "Int")} ${code}))`;
  }

  /** Different texts have different numbers. */
  #code(text: string): number {
    const known = this.#strings.get(text) ?? this.#strings.size;
    this.#strings.set(text, known);
    return known;
  }

  #bool(key: string): string {
    return this.#const(key, "Bool");
  }

  #const(key: string, sort: "Bool" | "Int"): string {
    let name = this.#names.get(key);
    if (name === undefined) {
      name = `c${this.#names.size}`;
      this.#names.set(key, name);
      // The key in a comment, for who reads the script.
      this.#lines.push(
        `; ${key.replaceAll(/[^\x20-\x7e]/g, "?")}`,
        `(declare-const ${name} ${sort})`,
      );
      this.#kinds(key, name);
    }
    return name;
  }

  /** A path that is of a kind is there, and of no other kind. */
  #kinds(key: string, name: string): void {
    const [, path, kind] = /^(.*) is (long|string|boolean)$/s.exec(key) ?? [];
    if (path === undefined) return;
    this.#lines.push(`(assert (=> ${name} ${this.#there(path)}))`);
    for (const other of ["long", "string", "boolean"]) {
      const known = this.#names.get(`${path} is ${other}`);
      if (other !== kind && known !== undefined)
        this.#lines.push(`(assert (not (and ${name} ${known})))`);
    }
  }
}

type Slots = { readonly [slot: string]: EntityUid | undefined };

const any = (parts: readonly string[]): string =>
  parts.length === 0 ? "false" : `(or ${parts.join(" ")} false)`;
const all = (parts: readonly string[]): string => `(and ${parts.join(" ")} true)`;
const flipped = ({ yes, no }: Truth): Truth => ({ yes: no, no: yes });
const numeral = (value: number): string => (value < 0 ? `(- ${-value})` : String(value));

/** A variable and the names that lead from it to a value, as one text; null for anything else. */
function pathOf(node: Expression): string | null {
  if ("Var" in node) return node.Var as string;
  const owner = "." in node ? (node["."] as { left: Expression; attr: string }) : null;
  const left = owner === null ? null : pathOf(owner.left);
  return left === null ? null : `${left}[${JSON.stringify(owner!.attr)}]`;
}
