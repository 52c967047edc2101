import type { Expression, Value } from "../engine/index.ts";
import type { PlainType } from "../engine/schema.ts";
import { type Column, columnFor, columnOf, paramOf } from "./columns.ts";
import {
  allThere,
  type ConditionOf,
  choose,
  type Operand,
  type Present,
  type Valued,
} from "./condition.ts";
import { type Fragment, frag, join } from "./fragment.ts";
import type { Style } from "./hierarchy.ts";
import { isResource, mistyped, otherEntity, unsupported } from "./looks.ts";
import { type Rows, sameType } from "./mapping.ts";
import type { Open, Part } from "./partial.ts";
import { arithmetic, FUNCTIONS } from "./scalars.ts";
import type { Session } from "./session.ts";
import { Unsupported } from "./unsupported.ts";

/** What values are made of: the columns of a row, in a style, and of whom nothing else is known. */
export interface Ground {
  readonly rows: Rows;
  readonly style: Style;
  /** Whoever has the connection, where the principal is not known. */
  readonly session: Session | null;
}

/** Compiles parts that are values. */
export class Operands {
  readonly #rows: Rows;
  readonly #style: Style;
  readonly #session: Session | null;
  readonly #conditionOf: ConditionOf;
  /** Columns that the schema demands; a row without one is nothing that could be asked about. */
  readonly demands = new Map<string, Fragment>();

  constructor({ rows, style, session }: Ground, conditionOf: ConditionOf) {
    this.#rows = rows;
    this.#style = style;
    this.#session = session;
    this.#conditionOf = conditionOf;
  }

  /** A value with a type: known, or from the row. */
  operand(part: Part, present: Present): Operand {
    if (part.is === "known") return { known: part.value };
    // An operator over a part that certainly fails is one that fails, and was taken for that before.
    if (part.is === "failing") throw new Unsupported("operator", "it always fails", part.node);
    const { operator: name, operand, parts } = part;
    switch (name) {
      case "Var":
        return this.#variable(operand as string, part.node);
      case ".":
        return this.#attribute(part, present);
      case "if-then-else":
        return this.#choice(part, present);
      case "Set":
        return this.#set(part, present);
      case "+":
      case "-":
      case "*": {
        const [a, b] = this.alike(parts, present, ["Long"]);
        return arithmetic(this.#style, name, a, b);
      }
      case "neg": {
        const value = this.valued(parts[0]!, present, { type: "Long" });
        return arithmetic(this.#style, "-", { ...value, sql: ["0"], fails: false }, value);
      }
    }
    const fn = FUNCTIONS.get(name);
    if (fn !== undefined) {
      const values = parts.map((inner, i) => this.valued(inner, present, { type: fn.takes[i]! }));
      return fn.make(this.#style, ...values);
    }
    if (!CONDITIONS.has(name)) throw unsupported(part);
    const { sql, fails } = this.#conditionOf(part, present);
    return { sql, text: sql, raw: sql, fails, mayBreak: fails, type: BOOLEAN, as: "text" };
  }

  /** The same of a wanted type; what is known becomes a parameter. */
  valued(part: Part, present: Present, type: PlainType): Valued {
    const value = this.operand(part, present);
    const as = type.type === "datetime" ? "int8" : "text";
    const found =
      "known" in value ? this.bound(value.known, { ...COLUMN, type, as }, part.node) : value;
    if (!sameType(found.type, type)) throw mistyped(part.node, type);
    return found;
  }

  /** Two operands of one of these types; a known one becomes a parameter as the other one is kept. */
  alike(parts: readonly Part[], present: Present, types: readonly string[]): [Valued, Valued] {
    const operands = parts.map((part) => this.operand(part, present));
    const open = operands.find((one): one is Valued => !("known" in one))!;
    const [a, b] = operands.map((one, i): Valued => {
      const value = "known" in one ? this.bound(one.known, open, parts[i]!.node) : one;
      if (!types.includes(value.type.type) || !sameType(value.type, open.type))
        throw mistyped(parts[i]!.node, open.type);
      return value;
    });
    return [a!, b!];
  }

  bound(value: Value, like: Column, node: Expression): Valued {
    const param = paramOf(value, like);
    if (param === null) throw mistyped(node, like.type);
    const sql = frag`${param}`;
    return { ...like, sql, text: sql, raw: sql, fails: false };
  }

  #variable(name: string, node: Expression): Valued {
    if (name === "principal" && this.#session !== null) return this.#session.principal();
    if (name !== "resource") throw new Unsupported("principal_unknown", "it is not known", node);
    const { mapping, type } = this.#rows;
    const { column, as = "text" } = mapping.id;
    const mapped = { type: { type: "Entity", name: type }, required: true, column, as };
    return { ...columnOf(mapped, this.#style), fails: false, isRow: true };
  }

  #attribute(part: Open, present: Present): Valued {
    const { attr } = part.operand as { attr: string };
    if (!isResource(part.parts[0]!)) throw otherEntity(part.node);
    const mapped = this.#rows.attribute(attr);
    const column = columnOf(mapped, this.#style);
    if (mapped.required) {
      this.demand(attr);
      return { ...column, fails: false };
    }
    return { ...column, fails: column.mayBreak || !present.has(attr) };
  }

  demand(name: string): void {
    const { sql } = columnOf(this.#rows.attribute(name), this.#style);
    this.demands.set(name, frag`${sql} is not null`);
  }

  #choice(part: Open, present: Present): Valued {
    const arms = part.parts.slice(1);
    const open = arms
      .filter(({ is }) => is === "open")
      .map((arm) => this.operand(arm, present))
      .find((one): one is Valued => !("known" in one));
    const known = arms.find((arm) => arm.is === "known");
    const like = open ?? (known?.is === "known" ? columnFor(known.value) : null);
    if (like === null) throw unsupported(part);
    const made = choose(part, present, this.#conditionOf, (arm, there): Valued => {
      if (arm.is === "failing") return { ...like, sql: ["null"], text: ["null"], fails: true };
      const value = this.operand(arm, there);
      const found = "known" in value ? this.bound(value.known, like, arm.node) : value;
      if (!sameType(found.type, like.type) || found.as !== like.as)
        throw mistyped(arm.node, like.type);
      return found;
    });
    const { isRow: _, isPrincipal: __, ...rest } = made;
    return { ...rest, text: like.as === "text" ? made.sql : frag`(${made.sql})::pg_catalog.text` };
  }

  #set(part: Open, present: Present): Valued {
    const members = part.parts.map((member) => this.operand(member, present));
    const open = members.find((one): one is Valued => !("known" in one))!;
    if (!SCALARS.has(open.type.type)) throw unsupported(part);
    const values = members.map((one, i) => {
      const value = "known" in one ? this.bound(one.known, open, part.parts[i]!.node) : one;
      if (!sameType(value.type, open.type) || value.as !== open.as)
        throw mistyped(part.parts[i]!.node, open.type);
      return value;
    });
    const failing = values.filter(({ fails }) => fails);
    const list = frag`array[${join(
      values.map(({ sql }) => sql),
      ", ",
    )}]`;
    const sql =
      failing.length === 0 ? list : frag`(case when ${allThere(failing)} then ${list} end)`;
    const type: PlainType = { type: "Set", of: open.type };
    return { ...COLUMN, sql, text: sql, raw: sql, fails: failing.length > 0, type, as: open.as };
  }
}

const BOOLEAN: PlainType = { type: "Boolean" };
const COLUMN = { sql: [], text: [], raw: [], mayBreak: false } as const;
const SCALARS: ReadonlySet<string> = new Set(["String", "Long", "Boolean", "Entity"]);
const CONDITIONS: ReadonlySet<string> = new Set([
  ..."&& || ! has is in == != < <= > >= lessThan lessThanOrEqual greaterThan".split(" "),
  ..."greaterThanOrEqual like contains containsAll containsAny isEmpty".split(" "),
]);
