import { EntityRef, type Value } from "../engine/index.ts";
import { CedarSet } from "../engine/value.ts";
import { paramOf } from "./columns.ts";
import {
  type Condition,
  isOneOf,
  type Operand,
  type Present,
  unequal,
  type Valued,
} from "./condition.ts";
import { same } from "./equality.ts";
import { frag, join } from "./fragment.ts";
import { isUnder, operator, type Style } from "./hierarchy.ts";
import { lost, mistyped, targetsOf, unsupported } from "./looks.ts";
import { type Rows, sameType } from "./mapping.ts";
import type { Ground, Operands } from "./operands.ts";
import { type Part, refOfKey } from "./partial.ts";
import type { Session } from "./session.ts";
import { Unsupported } from "./unsupported.ts";

/** Entities that a known one is in, as keys. */
export type Lineage = (ref: EntityRef) => Iterable<string>;

/** Compiles what sets contain, and what entities are in. */
export class Membership {
  readonly #rows: Rows;
  readonly #style: Style;
  readonly #session: Session | null;
  readonly #operands: Operands;
  /** Itself included. */
  readonly #lineage: (ref: EntityRef) => readonly EntityRef[];

  constructor({ rows, style, session }: Ground, operands: Operands, lineage: Lineage) {
    this.#rows = rows;
    this.#style = style;
    this.#session = session;
    this.#operands = operands;
    this.#lineage = (ref) => [ref, ...[...lineage(ref)].map(refOfKey)];
  }

  contains(set: Part, member: Part, present: Present): Condition {
    const [many, one] = [
      this.#operands.operand(set, present),
      this.#operands.operand(member, present),
    ];
    const is = operator(this.#style, "=");
    if ("known" in many) {
      if ("known" in one) throw new Unsupported("operator", "both sides are known");
      if (!(many.known instanceof CedarSet)) throw mistyped(set.node, null);
      const members = paramOf(many.known, { type: { type: "Set", of: one.type }, as: one.as });
      if (members === null) throw mistyped(set.node, one.type);
      return isOneOf(this.#style, one, frag`${members}`, one.fails);
    }
    const { of } = many.type;
    if (of === undefined) throw mistyped(set.node, null);
    if ("known" in one) {
      const param = paramOf(one.known, { type: of, as: many.as });
      if (param === null) return unequal([many]);
      return { sql: frag`(${param}${is}any (${many.sql}))`, fails: many.fails };
    }
    if (!sameType(of, one.type)) return unequal([many, one]);
    if (many.as !== one.as) throw new Unsupported("type", "ids are kept in two ways");
    return isOneOf(this.#style, one, many.sql, many.fails || one.fails);
  }

  sets(left: Part, right: Part, present: Present, name: "@>" | "&&"): Condition {
    const [a, b] = [this.#operands.operand(left, present), this.#operands.operand(right, present)];
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
    if (name === "@>" && sides[1]!.lost) return unequal([open]);
    const sql = frag`(${sides[0]!.sql}${operator(this.#style, name)}${sides[1]!.sql})`;
    return { sql, fails: [a, b].some((one) => !("known" in one) && one.fails) };
  }

  isIn(left: Operand, group: Part, present: Present): Condition {
    if ("known" in left) return this.#knownIn(left.known, group, present);
    if (left.type.type !== "Entity") throw mistyped(group.node, null);
    if (group.is === "known") {
      const targets = targetsOf(group.value, group.node);
      if (this.#isPrincipal(left)) return this.#session!.isIn(left, targets, this.#style);
      return this.#openIn(left, targets);
    }
    const right = this.#operands.operand(group, present);
    if ("known" in right) throw unsupported(group);
    if (this.#isPrincipal(left)) return this.#session!.isInColumn(left, right, this.#style);
    // Who is in nothing is in itself alone.
    if (right.type.type === "Entity" && this.#rows.above(left.type.name!).size === 0)
      return same(this.#style, left, right);
    throw unsupported(group);
  }

  #isPrincipal(value: Valued): boolean {
    return value.isPrincipal === true;
  }

  /** What a known entity is in is known; the row says whether its own is among them. */
  #knownIn(value: Value, group: Part, present: Present): Condition {
    if (!(value instanceof EntityRef)) throw mistyped(group.node, null);
    const right = this.#operands.operand(group, present);
    if ("known" in right) throw unsupported(group);
    const all = new CedarSet(this.#lineage(value));
    const of = right.type.of ?? right.type;
    if (of.type !== "Entity") throw mistyped(group.node, null);
    const groups = paramOf(all, { type: { type: "Set", of }, as: right.as })!;
    const sql =
      right.type.of === undefined
        ? isOneOf(this.#style, right, frag`${groups}`, right.fails).sql
        : frag`(${right.sql}${operator(this.#style, "&&")}${groups})`;
    return { sql, fails: right.fails };
  }

  #openIn(left: Valued, targets: readonly EntityRef[]): Condition {
    const like = { type: { type: "Set", of: left.type }, as: left.as };
    const own = paramOf(new CedarSet([...targets]), like)!;
    const is = own.value.length === 0 ? null : isOneOf(this.#style, left, frag`${own}`, false).sql;
    const place = { type: left.type.name!, id: left.text, isRow: left.isRow === true };
    const under = isUnder(this.#rows, this.#style, place, targets);
    const ways = [is, under].filter((way) => way !== null);
    if (ways.length === 0) return unequal([left]);
    const sql = frag`(${join(ways, " or ")})`;
    if (!left.fails) return { sql, fails: false };
    return { sql: frag`(case when ${left.sql} is not null then ${sql} end)`, fails: true };
  }
}
