import { clauseText, type Expression } from "../engine/index.ts";

/** Why something of a policy has no exact counterpart in SQL. */
export type Reason =
  /** The table says nothing of it. */
  | "attribute_unmapped"
  | "hierarchy_unmapped"
  /** It reads another entity, of which the row knows the name alone. */
  | "other_entity"
  /** What it reads may stand in a table, and was not told. */
  | "entity_not_told"
  | "principal_unknown"
  | "operator"
  | "type"
  /** A text that PostgreSQL cannot hold. */
  | "text"
  | "size";

/** A policy cannot be compiled, and nothing less exact is made in its place: where it stands and why. */
export class Unsupported extends Error {
  readonly reason: Reason;
  readonly node: Expression | null;
  /** Set where the policy is known. */
  policy: string | null = null;

  constructor(reason: Reason, message: string, node: Expression | null = null) {
    super(message);
    this.reason = reason;
    this.node = node;
  }

  get clause(): string | null {
    return this.node === null ? null : clauseText(this.node);
  }
}
