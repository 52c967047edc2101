import type { EntityUid, Expression } from "../../src/domains/authz/engine/index.ts";

export const value = (json: boolean | number | string): Expression => ({ Value: json });
export const named = (of: EntityUid): Expression => ({ Value: { __entity: of } });
export const call = (fn: string, ...args: readonly Expression[]): Expression => ({ [fn]: args });
export const binary = (operator: string, left: Expression, right: Expression): Expression => ({
  [operator]: { left, right },
});
export const COMPARISONS = ["<", "<=", ">", ">=", "==", "!="] as const;
