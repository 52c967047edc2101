import { type FieldNode, Kind, type OperationDefinitionNode, type ValueNode } from "graphql";
import type { Operation } from "#pipeline";
import { CALL_COST, INTROSPECTION_ITEMS } from "./limits.ts";
import { countFields, type Fragments, rootFields } from "./measure.ts";
import { fieldNameOf } from "./names.ts";

/** Items of a page that `first` does not limit. */
const PAGE_ITEMS = 50;

/** Which argument of a root field says how many items its answer has: `first`, or how many `inputs` there are. */
export type Multipliers = ReadonlyMap<string, "first" | "inputs">;

export const multipliersOf = (operations: readonly Operation[]): Multipliers =>
  new Map(
    operations.flatMap(({ name, page, manyMax }) => [
      ...(page === undefined ? [] : [[fieldNameOf(name), "first"] as const]),
      ...(manyMax === undefined ? [] : [[`${fieldNameOf(name)}Many`, "inputs"] as const]),
    ]),
  );

/** The sum over what stands at the top: its calls, and the fields below as often as its answer has them. */
export function costOf(
  operation: OperationDefinitionNode,
  fragments: Fragments,
  multipliers: Multipliers,
  variables: Readonly<Record<string, unknown>>,
): number {
  return rootFields(operation, fragments)
    .map((field) => {
      const items = itemsOf(field, multipliers, variables);
      const calls = multipliers.get(field.name.value) === "inputs" ? items : 1;
      return calls * CALL_COST + items * countFields(field.selectionSet, fragments);
    })
    .reduce((sum, cost) => sum + cost, 0);
}

export const isIntrospection = ({ name }: FieldNode): boolean =>
  name.value === "__schema" || name.value === "__type";

function itemsOf(
  field: FieldNode,
  multipliers: Multipliers,
  variables: Readonly<Record<string, unknown>>,
): number {
  if (isIntrospection(field)) return INTROSPECTION_ITEMS;
  const multiplier = multipliers.get(field.name.value);
  if (multiplier === undefined) return 1;
  const given = field.arguments?.find(({ name }) => name.value === multiplier)?.value;
  if (given?.kind === Kind.LIST) return given.values.length;
  const value = given?.kind === Kind.VARIABLE ? variables[given.name.value] : literal(given);
  if (Array.isArray(value)) return value.length;
  return typeof value === "number" && value > 0 ? value : multiplier === "first" ? PAGE_ITEMS : 1;
}

const literal = (node: ValueNode | undefined): number | undefined =>
  node?.kind === Kind.INT ? Number(node.value) : undefined;
