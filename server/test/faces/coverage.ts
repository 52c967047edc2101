import { z } from "zod";
import type { Operation } from "#pipeline";
import type { Case } from "./cases.ts";
import { type Face, serves } from "./face.ts";

/** What nobody looked at, a line each. */
export function notCovered(
  operations: readonly Operation[],
  cases: readonly Case[],
  faces: readonly Face[],
  covered: ReadonlySet<string>,
): string[] {
  const names = new Set(operations.map(({ name }) => name as string));
  const strays = cases.filter(({ operation }) => !names.has(operation));
  return [
    ...strays.map(({ operation }) => `${operation}: there is no such operation`),
    ...operations.flatMap((operation) => [
      ...missingInputs(
        operation,
        cases.find((one) => one.operation === operation.name),
      ),
      ...faces
        .filter((face) => serves(face, operation) !== "nothing")
        .map(({ name }) => `${operation.name} on ${name}`)
        .filter((one) => !covered.has(one)),
    ]),
  ];
}

function missingInputs({ name, input, rest, kind }: Operation, one: Case | undefined): string[] {
  if (one === undefined) return [`${name}: no case`];
  const takesFields = input instanceof z.ZodObject && Object.keys(input.shape).length > 0;
  return [
    ...(takesFields && one.bad === undefined ? [`${name}: no input that does not fit`] : []),
    // A stream is recorded as it begins, before it finds out.
    ...(kind !== "stream" && rest.includes("{") && one.missing === undefined
      ? [`${name}: no id of nothing`]
      : []),
  ];
}
