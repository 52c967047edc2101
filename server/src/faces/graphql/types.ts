import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLFieldConfig,
  GraphQLFloat,
  GraphQLID,
  type GraphQLInputFieldConfig,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLNullableType,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLString,
  type GraphQLType,
} from "graphql";
import { type Json, SCHEMA_REF } from "../json-schema.ts";
import { isLegalName, partNameOf } from "./names.ts";
import { dateTime, json, safeInt } from "./scalars.ts";

/** A schema with the parts that it refers to. */
export interface Drawn {
  readonly schema: Json;
  readonly named: Readonly<Record<string, Json>>;
}

/** The types of one GraphQL schema, each made once, from JSON Schema. */
export interface Types {
  /** Without its not null: a call may always be refused. */
  output(drawn: Drawn, name: string): GraphQLOutputType;
  input(drawn: Drawn, name: string): GraphQLInputType;
  /** The properties of an object as arguments or input fields. */
  inputFields(drawn: Drawn, name: string): InputFields;
  /** Takes a name for a type that is made elsewhere. Two types of one name would be one by chance. */
  claim(name: string): string;
}

type OutputFields = Record<string, GraphQLFieldConfig<unknown, unknown>>;
type InputFields = Record<string, GraphQLInputFieldConfig>;
type Io = "input" | "output";
/** A type that null is one of the values of. */
type Bare = GraphQLNullableType;

export function openTypes(): Types {
  const claimed = new Set<string>();
  const shared = new Map<string, Bare>();
  const claim = (name: string): string => {
    if (claimed.has(name)) throw new Error(`two types are called ${name} in GraphQL`);
    claimed.add(name);
    return name;
  };

  /** The type of a schema; wrapped as not null unless null is one of its values. */
  function typeOf(schema: Json, name: string, named: Drawn["named"], io: Io): GraphQLType {
    const { one, nullable } = withoutNull(schema);
    const bare = one === undefined ? json : bareOf(one, name, named, io);
    return nullable ? bare : new GraphQLNonNull(bare);
  }

  function bareOf(schema: Json, name: string, named: Drawn["named"], io: Io): Bare {
    const ref = refOf(schema);
    if (ref !== undefined) return sharedOf(ref, named, io);
    if (Array.isArray(schema["enum"])) return enumOf(schema["enum"], name, schema);
    switch (schema["type"]) {
      case "string":
        return FORMATS[schema["format"] as string] ?? GraphQLString;
      case "integer":
        return fitsInt(schema) ? GraphQLInt : safeInt;
      case "number":
        return GraphQLFloat;
      case "boolean":
        return GraphQLBoolean;
      case "array":
        return isSchema(schema["items"])
          ? new GraphQLList(typeOf(schema["items"], name, named, io))
          : json;
      case "object":
        return isObject(schema) ? objectOf(schema, name, named, io) : json;
      default:
        return json;
    }
  }

  /** A named schema is one type wherever it stands; as an input it has a name of its own. */
  function sharedOf(ref: string, named: Drawn["named"], io: Io): Bare {
    if (ref === "Json") return json;
    const name = io === "input" ? `${ref}Input` : ref;
    let type = shared.get(name);
    if (type === undefined) {
      const { one } = withoutNull(named[ref]!);
      type = one === undefined ? json : bareOf(one, name, named, io);
      shared.set(name, type);
    }
    return type;
  }

  function objectOf(schema: Json, name: string, named: Drawn["named"], io: Io): Bare {
    const config = { name: claim(name), ...describe(schema) };
    if (io === "input")
      return new GraphQLInputObjectType({
        ...config,
        fields: () => inputFields({ schema, named }, name),
      });
    return new GraphQLObjectType({
      ...config,
      fields: () => fieldsOf({ schema, named }, name, io) as OutputFields,
    });
  }

  function fieldsOf({ schema, named }: Drawn, name: string, io: Io) {
    const required = (schema["required"] ?? []) as readonly string[];
    const fields = Object.entries(schema["properties"] as Record<string, Json>).map(
      ([property, part]) => {
        const type = typeOf(part, partNameOf(name, property), named, io);
        const own = required.includes(property) ? type : nullableOf(type);
        return [property, { type: own, ...describe(part) }] as const;
      },
    );
    return Object.fromEntries(fields);
  }

  function enumOf(values: readonly unknown[], name: string, schema: Json): Bare {
    if (!values.every((value) => typeof value === "string")) return json;
    if (!values.every(isLegalName)) return GraphQLString;
    return new GraphQLEnumType({
      name: claim(name),
      ...describe(schema),
      values: Object.fromEntries(values.map((value) => [value, { value }])),
    });
  }

  const inputFields: Types["inputFields"] = (drawn, name) =>
    fieldsOf(drawn, name, "input") as InputFields;
  return {
    output: ({ schema, named }, name) =>
      nullableOf(typeOf(schema, name, named, "output")) as GraphQLOutputType,
    input: ({ schema, named }, name) => typeOf(schema, name, named, "input") as GraphQLInputType,
    inputFields,
    claim,
  };
}

const FORMATS: Record<string, Bare> = {
  uuid: GraphQLID,
  "date-time": dateTime,
};

const INT_MAX = 2 ** 31 - 1;
const fitsInt = ({ minimum, maximum }: Json): boolean =>
  Number(minimum ?? -Infinity) >= -INT_MAX - 1 && Number(maximum ?? Infinity) <= INT_MAX;

const isSchema = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** An object whose properties GraphQL can name; a record, or one without any, is JSON to it. */
const isObject = ({ properties, additionalProperties }: Json): boolean =>
  isSchema(properties) &&
  !isSchema(additionalProperties) &&
  Object.keys(properties).length > 0 &&
  Object.keys(properties).every(isLegalName);

const refOf = ({ $ref }: Json): string | undefined =>
  typeof $ref === "string" ? $ref.slice(SCHEMA_REF.length) : undefined;

/** What says nothing about values. */
const TEXTS: ReadonlySet<string> = new Set(["description", "default", "title"]);

/** The schema without null, and whether null was one of its values; none when several alternatives are left. */
export function withoutNull(schema: Json): { one: Json | undefined; nullable: boolean } {
  const { anyOf, type } = schema;
  const isAny = refOf(schema) === "Json" || Object.keys(schema).every((key) => TEXTS.has(key));
  if (isAny) return { one: schema, nullable: true };
  if (Array.isArray(anyOf)) {
    const rest = (anyOf as Json[]).filter((one) => one["type"] !== "null");
    const nullable = rest.length < anyOf.length;
    const inner = rest.length === 1 ? withoutNull(rest[0]!) : { one: undefined, nullable };
    return { one: inner.one, nullable: nullable || inner.nullable };
  }
  if (!Array.isArray(type)) return { one: schema, nullable: false };
  const rest = type.filter((one) => one !== "null");
  const nullable = rest.length < type.length;
  return { one: rest.length === 1 ? { ...schema, type: rest[0] } : undefined, nullable };
}

function describe({ description, default: preset }: Json): { description?: string } {
  const words = [description, preset === undefined ? "" : `default ${JSON.stringify(preset)}`];
  const text = words.filter((word) => typeof word === "string" && word !== "").join("; ");
  return text === "" ? {} : { description: text };
}

const nullableOf = (type: GraphQLType): Bare =>
  type instanceof GraphQLNonNull ? type.ofType : type;
