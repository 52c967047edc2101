import { z } from "zod";
import type { Mapping, ParentJson, TableJson } from "./mapping.ts";
import { Unsupported } from "./unsupported.ts";

const sqlName = z.string().min(1).max(63);
const type = z.string().min(1).max(200);
const as = z
  .enum(["text", "uuid", "int8", "timestamptz"])
  .optional()
  .describe(
    "How it is kept: ids as text (unless told), uuid or int8; moments as timestamptz (unless told) or int8 of milliseconds",
  );

const column = z.strictObject({ column: sqlName, as }).meta({ id: "MappedColumn" });

const parent = z
  .strictObject({
    type,
    column: sqlName.optional().describe("Of the row itself; null: in none"),
    schema: sqlName.optional(),
    table: sqlName.optional().describe("Instead of a column: a table that joins the two"),
    child: sqlName.optional(),
    parent: sqlName.optional(),
    as,
  })
  .meta({ id: "MappedParent", description: "Where it stands what an entity is in" });

const table = {
  schema: sqlName.optional(),
  table: sqlName,
  id: column.describe("The resource's id"),
  parents: z.array(parent).max(20).optional(),
};

/** Where resources stand in the caller's database. */
export const mapping = z
  .strictObject({
    ...table,
    alias: sqlName
      .optional()
      .describe("What the table is called in the statement; its name unless told"),
    attributes: z
      .record(type, column)
      .optional()
      .describe("Columns by attribute; types are the schema's"),
    hierarchy: z
      .record(type, z.strictObject(table))
      .optional()
      .describe("By type: the tables of those that resources, or entities they name, are in"),
  })
  .meta({ id: "ResourceMapping" });

type Table = Omit<z.output<typeof mapping>, "alias" | "attributes" | "hierarchy">;

export function mappingOf({
  attributes,
  hierarchy = {},
  alias,
  ...own
}: z.output<typeof mapping>): Mapping {
  return {
    ...tableOf(own),
    alias,
    attributes,
    hierarchy: Object.fromEntries(
      Object.entries(hierarchy).map(([name, one]) => [name, tableOf(one)]),
    ),
  };
}

const tableOf = ({ parents, ...same }: Table): TableJson => ({
  ...same,
  parents: parents?.map(parentOf),
});

/** Either a column, or a table with both of its columns. */
function parentOf(given: z.output<typeof parent>): ParentJson {
  const { type: of, column: own, schema, table: joined, child, parent: up, as: kept } = given;
  const rest = [schema, joined, child, up];
  if (own !== undefined && rest.every((one) => one === undefined))
    return { type: of, column: own, as: kept };
  if (own === undefined && joined !== undefined && child !== undefined && up !== undefined)
    return { type: of, schema, table: joined, child, parent: up, as: kept };
  throw new Unsupported(
    "hierarchy_unmapped",
    `parents of type ${of} stand in a column, or in a table with child and parent: not in both or neither`,
  );
}

export const participants = z.array(
  z
    .object({
      id: z.string(),
      effect: z.enum(["permit", "forbid"]),
      residual: z.json().describe("What is left to ask of a row, in Cedar's JSON form"),
    })
    .meta({ id: "ResidualPolicy" }),
);
