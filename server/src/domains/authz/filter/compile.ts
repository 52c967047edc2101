import { EntityRef, type Expression, type Value } from "../engine/index.ts";
import type { PlainType } from "../engine/schema.ts";
import { CedarSet } from "../engine/value.ts";
import { type Column, columnFor, columnOf, paramOf } from "./columns.ts";
import { type Fragment, frag, join } from "./fragment.ts";
import { isUnder, operator, type Style } from "./hierarchy.ts";
import {
  isResource,
  lost,
  mistyped,
  otherEntity,
  presentIn,
  targetsOf,
  unsupported,
} from "./looks.ts";
import { type Rows, sameType } from "./mapping.ts";
import { type Open, type Part, refOfKey } from "./partial.ts";
import { arithmetic, FUNCTIONS, likeText } from "./scalars.ts";
import type { Session } from "./session.ts";
import { Unsupported } from "./unsupported.ts";

/**
 * A boolean in SQL: true, false, or null where Cedar's evaluation fails. Three-valued logic is not Cedar's order of
 * evaluation: `null and false` is false, and Cedar fails. So an arm that may fail stands in a `case`.
 */
export interface Condition {
  readonly sql: Fragment;
  /** Whether it may be null. */
  readonly fails: boolean;
}

/** A value in SQL that is not known before, null where Cedar's evaluation fails. */
interface Valued extends Column, Condition {}

type Operand = Valued | { readonly known: Value };

/** What holds of the resource where a part of a condition is reached: these attributes are there. */
type Present = ReadonlySet<string>;

const NONE: Present = new Set();
const BOOLEAN: PlainType = { type: "Boolean" };
const NULL: Condition = { sql: ["null::pg_catalog.bool"], fails: true };
const truth = (value: boolean): Condition => ({ sql: [String(value)], fails: false });

/** Compiles parts to SQL that has their value for every row, or refuses. */
export class Compiler {
  readonly #rows: Rows;
  readonly #style: Style;
  readonly #session: Session | null;
  /** Columns that the schema demands; a row without one is nothing that could be asked about. */
  readonly demands = new Map<string, Fragment>();
  /** Entities that a known one is in, itself included. */
  readonly #lineage: (ref: EntityRef) => readonly EntityRef[];

  constructor(
    rows: Rows,
    style: Style,
    lineage: (ref: EntityRef) => Iterable<string>,
    session: Session | null = null,
  ) {
    this.#rows = rows;
    this.#style = style;
    this.#session = session;
    this.#lineage = (ref) => [ref, ...[...lineage(ref)].map(refOfKey)];
  }

  condition(part: Part, present: Present = NONE): Condition {
    if (part.is === "failing") return NULL;
    if (part.is === "known") {
      if (typeof part.value !== "boolean") throw mistyped(part.node, BOOLEAN);
      return truth(part.value);
    }
    try {
      return this.#boolean(part, present);
    } catch (error) {
      if (!(error instanceof Unsupported) || error.node !== null) throw error;
      throw new Unsupported(error.reason, error.message, part.node);
    }
  }

  #boolean(part: Open, present: Present): Condition {
    const { operator: name, parts, operand } = part;
    const [first, second] = parts;
    switch (name) {
      case "&&":
        return this.#both(first!, second!, present);
      case "||":
        return this.#either(first!, second!, present);
      case "!": {
        const inner = this.condition(first!, present);
        return { sql: frag`(not ${inner.sql})`, fails: inner.fails };
      }
      case "if-then-else":
        return this.#choose(part, present, (arm, there) => this.condition(arm, there));
      case "has":
        return this.#has(part);
      case "is":
        return this.#is(part, present);
      case "in":
        return this.#in(this.#operand(first!, present), second!, present);
      case "==":
        return this.#equal(first!, second!, present);
      case "!=": {
        const { sql, fails } = this.#equal(first!, second!, present);
        return { sql: frag`(not ${sql})`, fails };
      }
      case "<":
      case "<=":
      case ">":
      case ">=":
        return this.#compared(name, parts, present, ["Long", "datetime", "duration"]);
      case "lessThan":
        return this.#compared("<", parts, present, ["decimal"]);
      case "lessThanOrEqual":
        return this.#compared("<=", parts, present, ["decimal"]);
      case "greaterThan":
        return this.#compared(">", parts, present, ["decimal"]);
      case "greaterThanOrEqual":
        return this.#compared(">=", parts, present, ["decimal"]);
      case "like": {
        const text = this.#valued(first!, present, { type: "String" });
        const pattern = likeText((operand as { pattern: Parameters<typeof likeText>[0] }).pattern);
        return {
          sql: frag`(${text.sql}${operator(this.#style, "~~")}${pattern})`,
          fails: text.fails,
        };
      }
      case "contains":
        return this.#contains(first!, second!, present);
      case "containsAll":
        return this.#sets(first!, second!, present, "@>");
      case "containsAny":
        return this.#sets(first!, second!, present, "&&");
      case "isEmpty": {
        const set = this.#operand(first!, present);
        if ("known" in set || set.type.of === undefined) throw unsupported(part);
        const sql = frag`(pg_catalog.cardinality(${set.sql})${operator(this.#style, "=")}0)`;
        return { sql, fails: set.fails };
      }
    }
    const value = this.#operand(part, present);
    if ("known" in value || value.type.type !== "Boolean") throw mistyped(part.node, BOOLEAN);
    return value;
  }

  #both(left: Part, right: Part, present: Present): Condition {
    const first = this.condition(left, present);
    const second = this.condition(right, new Set([...present, ...presentIn(left)]));
    if (!first.fails) return { sql: frag`(${first.sql} and ${second.sql})`, fails: second.fails };
    const sql = frag`(case when ${first.sql} then ${second.sql} when not ${first.sql} then false end)`;
    return { sql, fails: true };
  }

  #either(left: Part, right: Part, present: Present): Condition {
    const first = this.condition(left, present);
    const second = this.condition(right, present);
    if (!first.fails) return { sql: frag`(${first.sql} or ${second.sql})`, fails: second.fails };
    const sql = frag`(case when ${first.sql} then true when not ${first.sql} then ${second.sql} end)`;
    return { sql, fails: true };
  }

  #choose<Made extends Condition>(
    { parts: [test, then, other] }: Open,
    present: Present,
    make: (arm: Part, present: Present) => Made,
  ): Made {
    const chosen = this.condition(test!, present);
    const yes = make(then!, new Set([...present, ...presentIn(test!)]));
    const no = make(other!, present);
    const last = chosen.fails ? frag`when not ${chosen.sql} then ${no.sql}` : frag`else ${no.sql}`;
    return {
      ...yes,
      sql: frag`(case when ${chosen.sql} then ${yes.sql} ${last} end)`,
      fails: chosen.fails || yes.fails || no.fails,
    };
  }

  #has(part: Open): Condition {
    const { attr } = part.operand as { attr: string | readonly string[] };
    const [owner] = part.parts;
    const names = typeof attr === "string" ? [attr] : attr;
    if (!isResource(owner!)) throw otherEntity(part.node);
    if (names.length > 1) throw unsupported(part);
    const mapped = this.#rows.attribute(names[0]!);
    // A row that lacks what the schema demands is left out as a whole.
    if (mapped.required) this.#demand(names[0]!);
    return mapped.required
      ? truth(true)
      : { sql: frag`(${columnOf(mapped, this.#style).raw} is not null)`, fails: false };
  }

  #is(part: Open, present: Present): Condition {
    const { entity_type: type } = part.operand as { entity_type: string };
    const [left, group] = part.parts;
    const entity = this.#operand(left!, present);
    if ("known" in entity || entity.type.type !== "Entity") throw mistyped(part.node, null);
    if (entity.type.name !== type) return this.#unequal([entity]);
    if (group === undefined) return this.#whereThere([entity], "true");
    return this.#in(entity, group, present);
  }

  /** Values of two types: unequal, wherever both have one. */
  #unequal(operands: readonly Operand[]): Condition {
    return this.#whereThere(operands, "false");
  }

  #whereThere(operands: readonly Operand[], value: string): Condition {
    const failing = operands.filter((one): one is Valued => !("known" in one) && one.fails);
    if (failing.length === 0) return { sql: [value], fails: false };
    const there = join(
      failing.map(({ sql }) => frag`${sql} is not null`),
      " and ",
    );
    return { sql: frag`(case when ${there} then ${value} end)`, fails: true };
  }

  #equal(left: Part, right: Part, present: Present): Condition {
    return this.#same(this.#operand(left, present), this.#operand(right, present));
  }

  #same(a: Operand, b: Operand): Condition {
    if ("known" in a) {
      if ("known" in b) throw new Unsupported("operator", "both sides are known");
      return this.#same(b, a);
    }
    const param = "known" in b ? paramOf(b.known, a) : null;
    const fails = a.fails || (!("known" in b) && b.fails);
    if (!("known" in b) && !sameType(a.type, b.type) && a.type.of && b.type.of) {
      // Sets of two types are equal when both are empty.
      const isEmpty = ({ sql }: Valued): Fragment =>
        frag`pg_catalog.cardinality(${sql})${operator(this.#style, "=")}0`;
      const both = frag`(case when ${a.sql} is not null and ${b.sql} is not null then ${isEmpty(a)} and ${isEmpty(b)} end)`;
      return { sql: both, fails };
    }
    if ("known" in b ? param === null : !sameType(a.type, b.type)) return this.#unequal([a, b]);
    const asIs = a.type.type !== "Entity" || "known" in b || a.as === b.as;
    const [x, y] =
      "known" in b ? [a.sql, frag`${param!}`] : asIs ? [a.sql, b.sql] : [a.text, b.text];
    if (a.type.of === undefined)
      return { sql: frag`(${x}${operator(this.#style, "=")}${y})`, fails };
    const all = operator(this.#style, "@>");
    if ("known" in b ? lost(b.known, param!) : a.as !== b.as) {
      if ("known" in b) return this.#unequal([a]);
      throw new Unsupported("type", "ids are kept in two ways");
    }
    return { sql: frag`(${x}${all}${y} and ${y}${all}${x})`, fails };
  }

  #compared(name: string, parts: readonly Part[], present: Present, types: string[]): Condition {
    const [a, b] = this.#alike(parts, present, types);
    const sql = frag`(${a.sql}${operator(this.#style, name)}${b.sql})`;
    return { sql, fails: a.fails || b.fails };
  }

  /** Two operands of one of these types; a known one becomes a parameter as the other one is kept. */
  #alike(parts: readonly Part[], present: Present, types: readonly string[]): [Valued, Valued] {
    const operands = parts.map((part) => this.#operand(part, present));
    const open = operands.find((one): one is Valued => !("known" in one))!;
    const [a, b] = operands.map((one, i): Valued => {
      const value = "known" in one ? this.#bound(one.known, open, parts[i]!.node) : one;
      if (!types.includes(value.type.type) || !sameType(value.type, open.type))
        throw mistyped(parts[i]!.node, open.type);
      return value;
    });
    return [a!, b!];
  }

  #bound(value: Value, like: Column, node: Expression): Valued {
    const param = paramOf(value, like);
    if (param === null) throw mistyped(node, like.type);
    const sql = frag`${param}`;
    return { ...like, sql, text: sql, raw: sql, fails: false };
  }

  #contains(set: Part, member: Part, present: Present): Condition {
    const [many, one] = [this.#operand(set, present), this.#operand(member, present)];
    const is = operator(this.#style, "=");
    if ("known" in many) {
      if ("known" in one) throw new Unsupported("operator", "both sides are known");
      if (!(many.known instanceof CedarSet)) throw mistyped(set.node, null);
      const members = paramOf(many.known, { type: { type: "Set", of: one.type }, as: one.as });
      if (members === null) throw mistyped(set.node, one.type);
      return this.#isOneOf(one, frag`${members}`, one.fails);
    }
    const { of } = many.type;
    if (of === undefined) throw mistyped(set.node, null);
    if ("known" in one) {
      const param = paramOf(one.known, { type: of, as: many.as });
      if (param === null) return this.#unequal([many]);
      return { sql: frag`(${param}${is}any (${many.sql}))`, fails: many.fails };
    }
    if (!sameType(of, one.type)) return this.#unequal([many, one]);
    if (many.as !== one.as) throw new Unsupported("type", "ids are kept in two ways");
    return this.#isOneOf(one, many.sql, many.fails || one.fails);
  }

  #sets(left: Part, right: Part, present: Present, name: "@>" | "&&"): Condition {
    const [a, b] = [this.#operand(left, present), this.#operand(right, present)];
    const open = "known" in a ? b : a;
    if ("known" in open || open.type.of === undefined) throw mistyped(left.node, null);
    const sides = [a, b].map((one, i) => {
      if (!("known" in one)) {
        if (!sameType(one.type, open.type) || one.as !== open.as)
          throw mistyped([left, right][i]!.node, open.type);
        return { sql: one.sql, lost: false };
      }
      if (!(one.known instanceof CedarSet)) throw mistyped([left, right][i]!.node, open.type);
      const param = paramOf(one.known, open)!;
      return { sql: frag`${param}`, lost: lost(one.known, param) };
    });
    // A member that no column could hold is in none.
    if (name === "@>" && sides[1]!.lost) return this.#unequal([open]);
    const sql = frag`(${sides[0]!.sql}${operator(this.#style, name)}${sides[1]!.sql})`;
    return { sql, fails: [a, b].some((one) => !("known" in one) && one.fails) };
  }

  #in(left: Operand, group: Part, present: Present): Condition {
    if ("known" in left) return this.#knownIn(left.known, group, present);
    if (left.type.type !== "Entity") throw mistyped(group.node, null);
    if (group.is === "known") {
      const targets = targetsOf(group.value, group.node);
      if (this.#isPrincipal(left)) return this.#session!.isIn(left, targets, this.#style);
      return this.#openIn(left, targets);
    }
    const right = this.#operand(group, present);
    if ("known" in right) throw unsupported(group);
    if (this.#isPrincipal(left)) return this.#session!.isInColumn(left, right, this.#style);
    // Who is in nothing is in itself alone.
    if (right.type.type === "Entity" && this.#rows.above(left.type.name!).size === 0)
      return this.#same(left, right);
    throw unsupported(group);
  }

  #isPrincipal(value: Valued): boolean {
    return value.isPrincipal === true;
  }

  /** What a known entity is in is known; the row says whether its own is among them. */
  #knownIn(value: Value, group: Part, present: Present): Condition {
    if (!(value instanceof EntityRef)) throw mistyped(group.node, null);
    const right = this.#operand(group, present);
    if ("known" in right) throw unsupported(group);
    const all = new CedarSet(this.#lineage(value));
    const of = right.type.of ?? right.type;
    if (of.type !== "Entity") throw mistyped(group.node, null);
    const groups = paramOf(all, { type: { type: "Set", of }, as: right.as })!;
    const sql =
      right.type.of === undefined
        ? this.#isOneOf(right, frag`${groups}`, right.fails).sql
        : frag`(${right.sql}${operator(this.#style, "&&")}${groups})`;
    return { sql, fails: right.fails };
  }

  #openIn(left: Valued, targets: readonly EntityRef[]): Condition {
    const like = { type: { type: "Set", of: left.type }, as: left.as };
    const own = paramOf(new CedarSet([...targets]), like)!;
    const is = own.value.length === 0 ? null : this.#isOneOf(left, frag`${own}`, false).sql;
    const place = { type: left.type.name!, id: left.text, isRow: left.isRow === true };
    const under = isUnder(this.#rows, this.#style, place, targets);
    const ways = [is, under].filter((way) => way !== null);
    if (ways.length === 0) return this.#unequal([left]);
    const sql = frag`(${join(ways, " or ")})`;
    if (!left.fails) return { sql, fails: false };
    return { sql: frag`(case when ${left.sql} is not null then ${sql} end)`, fails: true };
  }

  /** Null is in no empty array, says PostgreSQL: what fails has to be asked for first. */
  #isOneOf(one: Valued, array: Fragment, fails: boolean): Condition {
    const is = frag`(${one.sql}${operator(this.#style, "=")}any (${array}))`;
    const sql = one.fails && fails ? frag`(case when ${one.sql} is not null then ${is} end)` : is;
    return { sql, fails };
  }

  /** A value with a type: known, or from the row. */
  #operand(part: Part, present: Present): Operand {
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
        const [a, b] = this.#alike(parts, present, ["Long"]);
        return arithmetic(this.#style, name, a, b);
      }
      case "neg": {
        const value = this.#valued(parts[0]!, present, { type: "Long" });
        return arithmetic(this.#style, "-", { ...value, sql: ["0"], fails: false }, value);
      }
    }
    const fn = FUNCTIONS.get(name);
    if (fn !== undefined) {
      const values = parts.map((inner, i) => this.#valued(inner, present, { type: fn.takes[i]! }));
      return fn.make(this.#style, ...values);
    }
    if (!CONDITIONS.has(name)) throw unsupported(part);
    const { sql, fails } = this.condition(part, present);
    return { sql, text: sql, raw: sql, fails, mayBreak: fails, type: BOOLEAN, as: "text" };
  }

  /** The same of a wanted type; what is known becomes a parameter. */
  #valued(part: Part, present: Present, type: PlainType): Valued {
    const value = this.#operand(part, present);
    const as = type.type === "datetime" ? "int8" : "text";
    const found =
      "known" in value ? this.#bound(value.known, { ...COLUMN, type, as }, part.node) : value;
    if (!sameType(found.type, type)) throw mistyped(part.node, type);
    return found;
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
      this.#demand(attr);
      return { ...column, fails: false };
    }
    return { ...column, fails: column.mayBreak || !present.has(attr) };
  }

  #demand(name: string): void {
    const { sql } = columnOf(this.#rows.attribute(name), this.#style);
    this.demands.set(name, frag`${sql} is not null`);
  }

  #choice(part: Open, present: Present): Valued {
    const arms = part.parts.slice(1);
    const open = arms
      .filter(({ is }) => is === "open")
      .map((arm) => this.#operand(arm, present))
      .find((one): one is Valued => !("known" in one));
    const known = arms.find((arm) => arm.is === "known");
    const like = open ?? (known?.is === "known" ? columnFor(known.value) : null);
    if (like === null) throw unsupported(part);
    const made = this.#choose(part, present, (arm, there): Valued => {
      if (arm.is === "failing") return { ...like, sql: ["null"], text: ["null"], fails: true };
      const value = this.#operand(arm, there);
      const found = "known" in value ? this.#bound(value.known, like, arm.node) : value;
      if (!sameType(found.type, like.type) || found.as !== like.as)
        throw mistyped(arm.node, like.type);
      return found;
    });
    const { isRow: _, isPrincipal: __, ...rest } = made;
    return { ...rest, text: like.as === "text" ? made.sql : frag`(${made.sql})::pg_catalog.text` };
  }

  #set(part: Open, present: Present): Valued {
    const members = part.parts.map((member) => this.#operand(member, present));
    const open = members.find((one): one is Valued => !("known" in one))!;
    if (!SCALARS.has(open.type.type)) throw unsupported(part);
    const values = members.map((one, i) => {
      const value = "known" in one ? this.#bound(one.known, open, part.parts[i]!.node) : one;
      if (!sameType(value.type, open.type) || value.as !== open.as)
        throw mistyped(part.parts[i]!.node, open.type);
      return value;
    });
    const failing = values.filter(({ fails }) => fails);
    const list = frag`array[${join(
      values.map(({ sql }) => sql),
      ", ",
    )}]`;
    const there = join(
      failing.map(({ sql }) => frag`${sql} is not null`),
      " and ",
    );
    const sql = failing.length === 0 ? list : frag`(case when ${there} then ${list} end)`;
    const type: PlainType = { type: "Set", of: open.type };
    return { ...COLUMN, sql, text: sql, raw: sql, fails: failing.length > 0, type, as: open.as };
  }
}

const COLUMN = { sql: [], text: [], raw: [], mayBreak: false } as const;
const SCALARS: ReadonlySet<string> = new Set(["String", "Long", "Boolean", "Entity"]);
const CONDITIONS: ReadonlySet<string> = new Set([
  ..."&& || ! has is in == != < <= > >= lessThan lessThanOrEqual greaterThan".split(" "),
  ..."greaterThanOrEqual like contains containsAll containsAny isEmpty".split(" "),
]);
