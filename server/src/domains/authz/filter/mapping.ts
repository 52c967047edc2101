import type { Attribute, PlainType, Schema } from "../engine/schema.ts";
import { type Fragment, frag, quoted } from "./fragment.ts";
import { Unsupported } from "./unsupported.ts";

/** How a column keeps what it says. Ids: text, uuid or int8; moments: timestamptz, or milliseconds since 1970 as int8. */
export type Kept = "text" | "uuid" | "int8" | "timestamptz";

export interface ColumnJson {
  readonly column: string;
  readonly as?: Kept | undefined;
}

/** What an entity is in: a column of its row holds the parent's id (none: null), or the rows of a table that joins the two do. */
export type ParentJson =
  | { readonly type: string; readonly column: string; readonly as?: Kept | undefined }
  | {
      readonly type: string;
      readonly schema?: string | undefined;
      readonly table: string;
      readonly child: string;
      readonly parent: string;
      readonly as?: Kept | undefined;
    };

export interface TableJson {
  readonly schema?: string | undefined;
  readonly table: string;
  readonly id: ColumnJson;
  readonly parents?: readonly ParentJson[] | undefined;
}

/** Where the resources of a type stand in a database, one a row. */
export interface Mapping extends TableJson {
  /** What the table is called in the caller's statement; its own name unless told. */
  readonly alias?: string | undefined;
  readonly attributes?: Readonly<Record<string, ColumnJson>> | undefined;
  /** The tables of those that resources, or entities they name, are in. */
  readonly hierarchy?: Readonly<Record<string, TableJson>> | undefined;
}

/** An attribute of the resource that has a column. */
export interface Mapped extends Attribute {
  readonly column: string;
  readonly as: Kept;
}

/** A mapping that agrees with the schema, whose types and demands count. */
export class Rows {
  readonly type: string;
  readonly mapping: Mapping;
  readonly schema: Schema;
  readonly #attributes: ReadonlyMap<string, Attribute>;

  constructor(type: string, mapping: Mapping, schema: Schema) {
    const attributes = schema.attributesOf(type);
    if (attributes === undefined)
      throw new Unsupported("type", `the schema has no entity type ${type}`);
    this.type = type;
    this.mapping = mapping;
    this.schema = schema;
    this.#attributes = attributes;
    for (const name of Object.keys(mapping.attributes ?? {}))
      if (!attributes.has(name))
        throw new Unsupported(
          "attribute_unmapped",
          `${type} has no attribute ${name} in the schema`,
        );
    for (const [name, table] of [
      [type, mapping] as const,
      ...Object.entries(mapping.hierarchy ?? {}),
    ])
      this.#agree(name, table);
  }

  /** Entity types that stand in tables: of them, only what was told is known before the statement runs. */
  get tabled(): ReadonlySet<string> {
    return new Set([this.type, ...Object.keys(this.mapping.hierarchy ?? {})]);
  }

  attribute(name: string): Mapped {
    const declared = this.#attributes.get(name);
    const { attributes = {} } = this.mapping;
    const mapped = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    if (declared === undefined || mapped === undefined)
      throw new Unsupported("attribute_unmapped", `attribute ${name} has no column`);
    const { column, as = defaultOf(declared.type) } = mapped;
    if (!keptAs(declared.type).includes(as))
      throw new Unsupported(
        "type",
        `attribute ${name}: a ${nameOf(declared.type)} is not kept as ${as}`,
      );
    return { ...declared, column, as };
  }

  tableOf(type: string): TableJson | undefined {
    return type === this.type ? this.mapping : this.mapping.hierarchy?.[type];
  }

  /** What entities of a type are in, by the mapping; all that the schema allows must have a place. */
  parentsOf(type: string): readonly ParentJson[] {
    const parents = this.tableOf(type)?.parents ?? [];
    for (const declared of this.schema.parentTypesOf(type) ?? [])
      if (!parents.some((parent) => parent.type === declared))
        throw new Unsupported(
          "hierarchy_unmapped",
          `a ${type} may be in a ${declared}, and the mapping does not say where that stands`,
        );
    return parents;
  }

  /** Types above one, through others, too. */
  above(type: string): ReadonlySet<string> {
    const found = new Set<string>();
    const open = [type];
    for (let next = open.pop(); next !== undefined; next = open.pop())
      for (const parent of this.parentsOf(next))
        if (!found.has(parent.type)) {
          found.add(parent.type);
          open.push(parent.type);
        }
    return found;
  }

  #agree(type: string, { parents = [] }: TableJson): void {
    const declared = this.schema.parentTypesOf(type);
    if (declared === undefined)
      throw new Unsupported("type", `the schema has no entity type ${type}`);
    for (const parent of parents)
      if (!declared.includes(parent.type))
        throw new Unsupported(
          "hierarchy_unmapped",
          `by the schema no ${type} is in a ${parent.type}`,
        );
  }
}

export const tableText = (
  { schema, table }: { readonly schema?: string | undefined; readonly table: string },
  qualified: boolean,
): string => {
  if (schema !== undefined) return `${quoted(schema)}.${quoted(table)}`;
  if (qualified)
    throw new Unsupported(
      "type",
      `table ${table} needs its schema: what is stored must not depend on a search path`,
    );
  return quoted(table);
};

const IDS: readonly Kept[] = ["text", "uuid", "int8"];

/** First the one that is meant when nothing is said. */
function keptAs(type: PlainType): readonly Kept[] {
  switch (type.type) {
    case "Entity":
      return IDS;
    case "Set":
      return type.of!.type === "Entity" ? IDS : ["text"];
    case "datetime":
      return ["timestamptz", "int8"];
    default:
      return ["text"];
  }
}

const defaultOf = (type: PlainType): Kept => keptAs(type)[0]!;

export const nameOf = ({ type, name, of }: PlainType): string =>
  of === undefined ? (name ?? type) : `Set<${nameOf(of)}>`;

export const sameType = (a: PlainType, b: PlainType): boolean =>
  nameOf(a) === nameOf(b) && a.type === b.type;

/** A column as text with the collation of bytes: whatever its own, equal is what Cedar calls equal. */
export const asText = (column: Fragment): Fragment =>
  frag`(${column})::pg_catalog.text collate pg_catalog."C"`;
