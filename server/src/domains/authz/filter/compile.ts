import type { PlainType } from "../engine/schema.ts";
import { columnOf } from "./columns.ts";
import {
  type Condition,
  type ConditionOf,
  choose,
  NULL,
  type Present,
  truth,
  unequal,
  whereThere,
} from "./condition.ts";
import { same } from "./equality.ts";
import { type Fragment, frag } from "./fragment.ts";
import { operator, type Style } from "./hierarchy.ts";
import { isResource, mistyped, otherEntity, presentIn, unsupported } from "./looks.ts";
import type { Rows } from "./mapping.ts";
import { type Lineage, Membership } from "./membership.ts";
import { Operands } from "./operands.ts";
import type { Open, Part } from "./partial.ts";
import { likeText } from "./scalars.ts";
import type { Session } from "./session.ts";
import { Unsupported } from "./unsupported.ts";

const NONE: Present = new Set();
const BOOLEAN: PlainType = { type: "Boolean" };

/** Compiles conditions to SQL that has their value for every row, or refuses. */
export class Compiler {
  readonly #rows: Rows;
  readonly #style: Style;
  readonly #operands: Operands;
  readonly #membership: Membership;
  readonly #conditionOf: ConditionOf = (part, present) => this.condition(part, present);

  constructor(rows: Rows, style: Style, lineage: Lineage, session: Session | null = null) {
    this.#rows = rows;
    this.#style = style;
    const ground = { rows, style, session };
    this.#operands = new Operands(ground, this.#conditionOf);
    this.#membership = new Membership(ground, this.#operands, lineage);
  }

  /** Columns that the schema demands, by attribute: a row without one is nothing that could be asked about. */
  get demands(): ReadonlyMap<string, Fragment> {
    return this.#operands.demands;
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
        return choose(part, present, this.#conditionOf, this.#conditionOf);
      case "has":
        return this.#has(part);
      case "is":
        return this.#is(part, present);
      case "in":
        return this.#membership.isIn(this.#operands.operand(first!, present), second!, present);
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
        const text = this.#operands.valued(first!, present, { type: "String" });
        const pattern = likeText((operand as { pattern: Parameters<typeof likeText>[0] }).pattern);
        return {
          sql: frag`(${text.sql}${operator(this.#style, "~~")}${pattern})`,
          fails: text.fails,
        };
      }
      case "contains":
        return this.#membership.contains(first!, second!, present);
      case "containsAll":
        return this.#membership.sets(first!, second!, present, "@>");
      case "containsAny":
        return this.#membership.sets(first!, second!, present, "&&");
      case "isEmpty": {
        const set = this.#operands.operand(first!, present);
        if ("known" in set || set.type.of === undefined) throw unsupported(part);
        const sql = frag`(pg_catalog.cardinality(${set.sql})${operator(this.#style, "=")}0)`;
        return { sql, fails: set.fails };
      }
    }
    const value = this.#operands.operand(part, present);
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

  #has(part: Open): Condition {
    const { attr } = part.operand as { attr: string | readonly string[] };
    const [owner] = part.parts;
    const names = typeof attr === "string" ? [attr] : attr;
    if (!isResource(owner!)) throw otherEntity(part.node);
    if (names.length > 1) throw unsupported(part);
    const mapped = this.#rows.attribute(names[0]!);
    // A row that lacks what the schema demands is left out as a whole.
    if (mapped.required) this.#operands.demand(names[0]!);
    return mapped.required
      ? truth(true)
      : { sql: frag`(${columnOf(mapped, this.#style).raw} is not null)`, fails: false };
  }

  #is(part: Open, present: Present): Condition {
    const { entity_type: type } = part.operand as { entity_type: string };
    const [left, group] = part.parts;
    const entity = this.#operands.operand(left!, present);
    if ("known" in entity || entity.type.type !== "Entity") throw mistyped(part.node, null);
    if (entity.type.name !== type) return unequal([entity]);
    if (group === undefined) return whereThere([entity], "true");
    return this.#membership.isIn(entity, group, present);
  }

  #equal(left: Part, right: Part, present: Present): Condition {
    return same(
      this.#style,
      this.#operands.operand(left, present),
      this.#operands.operand(right, present),
    );
  }

  #compared(name: string, parts: readonly Part[], present: Present, types: string[]): Condition {
    const [a, b] = this.#operands.alike(parts, present, types);
    const sql = frag`(${a.sql}${operator(this.#style, name)}${b.sql})`;
    return { sql, fails: a.fails || b.fails };
  }
}
