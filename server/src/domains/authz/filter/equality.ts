import { paramOf } from "./columns.ts";
import { type Condition, type Operand, unequal, type Valued } from "./condition.ts";
import { type Fragment, frag } from "./fragment.ts";
import { operator, type Style } from "./hierarchy.ts";
import { lost } from "./looks.ts";
import { sameType } from "./mapping.ts";
import { Unsupported } from "./unsupported.ts";

/** Whether two values are the same one. */
export function same(style: Style, a: Operand, b: Operand): Condition {
  if ("known" in a) {
    if ("known" in b) throw new Unsupported("operator", "both sides are known");
    return same(style, b, a);
  }
  const param = "known" in b ? paramOf(b.known, a) : null;
  const fails = a.fails || (!("known" in b) && b.fails);
  if (!("known" in b) && !sameType(a.type, b.type) && a.type.of && b.type.of) {
    // Sets of two types are equal when both are empty.
    const isEmpty = ({ sql }: Valued): Fragment =>
      frag`pg_catalog.cardinality(${sql})${operator(style, "=")}0`;
    const both = frag`(case when ${a.sql} is not null and ${b.sql} is not null then ${isEmpty(a)} and ${isEmpty(b)} end)`;
    return { sql: both, fails };
  }
  if ("known" in b ? param === null : !sameType(a.type, b.type)) return unequal([a, b]);
  const asIs = a.type.type !== "Entity" || "known" in b || a.as === b.as;
  const [x, y] = "known" in b ? [a.sql, frag`${param!}`] : asIs ? [a.sql, b.sql] : [a.text, b.text];
  if (a.type.of === undefined) return { sql: frag`(${x}${operator(style, "=")}${y})`, fails };
  const all = operator(style, "@>");
  if ("known" in b ? lost(b.known, param!) : a.as !== b.as) {
    if ("known" in b) return unequal([a]);
    throw new Unsupported("type", "ids are kept in two ways");
  }
  return { sql: frag`(${x}${all}${y} and ${y}${all}${x})`, fails };
}
