import { printSchema } from "graphql";
import type { Operation } from "#pipeline";
import { graphqlSchema } from "./schema.ts";

/** The schema as text: `contract/schema.graphql`. */
export const schemaText = (operations: readonly Operation[]): string =>
  `${printSchema(graphqlSchema(operations))}\n`;
