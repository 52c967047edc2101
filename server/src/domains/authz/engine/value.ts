import type { EntityUid } from "./est.ts";
import type { Long } from "./long.ts";

/** What expressions are evaluated to. Values are never changed once they were made. */
export type Value = boolean | string | Long | EntityRef | CedarSet | CedarRecord | Extension;

export type CedarRecord = ReadonlyMap<string, Value>;

/** Why an expression has no value. It is returned, not thrown: policies fail often, and cheaply. */
export class Failure {
  readonly kind: "type" | "missing" | "overflow" | "extension" | "budget";
  readonly message: string;
  constructor(kind: Failure["kind"], message: string) {
    this.kind = kind;
    this.message = message;
  }
}

export type Result = Value | Failure;

/** An entity by its name; what it has stands in the request's `Entities`. */
export class EntityRef {
  readonly type: string;
  readonly id: string;
  readonly key: string;
  constructor(type: string, id: string) {
    this.type = type;
    this.id = id;
    this.key = keyOfUid(type, id);
  }
}

/** `Type::"id"`: different names have different keys, as quotes stand in no type. */
export const keyOfUid = (type: string, id: string): string => `${type}::${JSON.stringify(id)}`;

export const refOf = ({ type, id }: EntityUid): EntityRef => new EntityRef(type, id);

/** A value of an extension type: decimal, ipaddr, datetime, duration. */
export interface Extension {
  readonly extension: "decimal" | "ipaddr" | "datetime" | "duration";
  /** Equal values of a type have equal keys, and only they. */
  readonly key: string;
  /** As its function takes it. */
  readonly text: string;
}

export const isExtension = (value: Value): value is Extension =>
  typeof value === "object" && "extension" in value;

/** Members without order; one that is there twice counts once. */
export class CedarSet {
  readonly members: readonly Value[];
  /** Booleans, strings and longs as themselves: no key has to be written for them. */
  #atoms: Set<Value> | undefined;
  #keys: Set<string> | undefined;
  #key: string | undefined;

  constructor(members: readonly Value[]) {
    this.members = members;
  }

  has(value: Value, budget: Budget): boolean {
    this.#index(budget);
    return typeof value === "object"
      ? this.#keys!.has(keyOf(value, budget))
      : this.#atoms!.has(value);
  }

  /** Distinct keys in order; of the whole set, for sets of sets. */
  key(budget: Budget): string {
    if (this.#key === undefined) {
      this.#index(budget);
      const keys = [...this.#keys!, ...[...this.#atoms!].map((atom) => keyOf(atom, budget))];
      this.#key = sized(
        "s",
        keys
          .sort()
          .map((key) => sized("", key))
          .join(""),
        budget,
      );
    }
    return this.#key;
  }

  hasAll(of: CedarSet, budget: Budget): boolean {
    budget.spend(of.members.length);
    return of.members.every((member) => this.has(member, budget));
  }

  hasAny(of: CedarSet, budget: Budget): boolean {
    budget.spend(of.members.length);
    return of.members.some((member) => this.has(member, budget));
  }

  #index(budget: Budget): void {
    if (this.#atoms !== undefined) return;
    budget.spend(this.members.length);
    const [atoms, keys] = [new Set<Value>(), new Set<string>()];
    for (const member of this.members)
      if (typeof member === "object") keys.add(keyOf(member, budget));
      else atoms.add(member);
    this.#keys = keys;
    this.#atoms = atoms;
  }
}

/** Breaks off an evaluation that takes more than a request may. It leaves closures quickly, so this one is thrown. */
export class BudgetSpent extends Error {}

/** What one request may still cost, in steps: about one each member or policy that is looked at, or sixteen characters. */
export class Budget {
  #left: number;
  constructor(steps: number) {
    this.#left = steps;
  }
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new BudgetSpent();
  }
}

/** Equal values have equal keys, and only they. Each part says how long it is, so none is taken for another. */
function keyOf(value: Value, budget: Budget): string {
  if (typeof value === "boolean") return value ? "t" : "f";
  if (typeof value === "string") return sized("q", value, budget);
  if (typeof value === "number" || typeof value === "bigint") return `l${value}`;
  if (value instanceof EntityRef) return `e${value.key}`;
  if (value instanceof CedarSet) return value.key(budget);
  if (isExtension(value)) return `x${value.extension} ${value.key}`;
  const fields = [...value].sort(([a], [b]) => (a < b ? -1 : 1));
  const text = fields.map(([name, field]) => sized("", name) + sized("", keyOf(field, budget)));
  return sized("r", text.join(""), budget);
}

/** Copying text is quick beside looking at members. */
const CHARACTERS_A_STEP = 16;

function sized(kind: string, text: string, budget?: Budget): string {
  budget?.spend(1 + text.length / CHARACTERS_A_STEP);
  return `${kind}${text.length}:${text}`;
}

/** Values of different types differ, and that is no failure. */
export function same(a: Value, b: Value, budget: Budget): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object") return false;
  if (a instanceof EntityRef) return b instanceof EntityRef && a.key === b.key;
  if (a instanceof CedarSet)
    return b instanceof CedarSet && a.hasAll(b, budget) && b.hasAll(a, budget);
  return keyOf(a, budget) === keyOf(b, budget);
}

/** What a value is, for the message of whoever expected another. */
export function kindOf(value: Value): string {
  if (typeof value === "boolean") return "a boolean";
  if (typeof value === "string") return "a string";
  if (typeof value === "number" || typeof value === "bigint") return "a long";
  if (value instanceof EntityRef) return "an entity";
  if (value instanceof CedarSet) return "a set";
  return isExtension(value) ? `a ${value.extension}` : "a record";
}
