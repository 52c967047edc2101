import {
  type EntityUid,
  type Path,
  type Schema,
  type Shape,
  type ValueJson,
} from "../engine/index.ts";
import { type Clause, type Filled, namedIn } from "../literals.ts";
import { optionsOf, plainOf, SOMETHING } from "./values.ts";

type Fields = Record<string, ValueJson>;
interface Who {
  id: string;
  parents: readonly EntityUid[];
  attrs: Fields;
}

/** A question while it is put together. */
export interface Draft {
  principal: Who;
  resource: Who;
  context: Fields;
}

/** One thing in which questions differ, and how many ways there are. */
export interface Dimension {
  readonly ways: number;
  /** Whether it is about who and what, which comes first: attributes may name them. */
  readonly isWho: boolean;
  take(draft: Draft, way: number): void;
}

/** An action done by one type of principal to one type of resource, as a schema declares it. */
export interface Environment {
  readonly schema: Schema;
  readonly action: EntityUid;
  readonly principal: string;
  readonly resource: string;
}

type Side = "principal" | "resource";
const SIDES: readonly Side[] = ["principal", "resource"];

/** Entities of one kind that are tried as who or what it is, and as what that is in. */
const NAMED_MAX = 12;

export function draftOf({ schema, action, principal, resource }: Environment): Draft {
  const who = (type: string): Who => {
    const shape = schema.shapeOf(type);
    const attrs = shape === undefined ? {} : (plainOf(shape) as Fields);
    return { id: schema.idsOf(type)?.[0] ?? SOMETHING, parents: [], attrs };
  };
  const context = plainOf(schema.appliesTo(action)!.context) as Fields;
  return { principal: who(principal), resource: who(resource), context };
}

/** In what questions of an environment may differ for these policies: who is named by them, and what their conditions read. */
export function dimensionsOf(
  policies: readonly Filled[],
  clauses: readonly Clause[],
  environment: Environment,
): Dimension[] {
  const paths = new Map<string, { path: Path; clauses: Clause[] }>();
  for (const clause of clauses)
    for (const path of clause.paths) {
      const key = JSON.stringify(path.names);
      const known = paths.get(key);
      if (known === undefined) paths.set(key, { path, clauses: [clause] });
      else known.clauses.push(clause);
    }
  return [
    ...SIDES.flatMap((side) => whoOf(side, policies, clauses, environment)),
    ...[...paths.values()].flatMap(
      ({ path, clauses: of }) => attributeOf(path, of, environment) ?? [],
    ),
  ].filter(({ ways }) => ways > 1);
}

/** Who it is, and which of the named groups it is in: none, one, all. */
function whoOf(
  side: Side,
  policies: readonly Filled[],
  clauses: readonly Clause[],
  environment: Environment,
): Dimension[] {
  const type = environment[side];
  const reading = clauses.filter(({ paths }) =>
    paths.some(({ names }) => names.length === 1 && names[0] === side),
  );
  const named = uniqueOf([
    ...policies.flatMap(({ policy, slots }) => namedIn(policy[side], slots)),
    ...reading.flatMap(({ constants }) => constants.flatMap(entitiesIn)),
  ]);
  const parentTypes = environment.schema.parentTypesOf(type) ?? [];
  const ids = [null, ...named.filter((one) => one.type === type).map(({ id }) => id)];
  const groups = named.filter((one) => parentTypes.includes(one.type)).slice(0, NAMED_MAX);
  const parents = [
    [],
    ...groups.map((one) => [one]),
    ...(groups.length > 1 ? [groups] : []),
  ] as const;
  return [
    {
      ways: Math.min(ids.length, NAMED_MAX),
      isWho: true,
      take(draft, way) {
        draft[side].id = ids[way] ?? draft[side].id;
      },
    },
    {
      ways: parents.length,
      isWho: true,
      take(draft, way) {
        draft[side].parents = parents[way]!;
      },
    },
  ];
}

const entitiesIn = (value: ValueJson): EntityUid[] => {
  if (Array.isArray(value)) return value.flatMap(entitiesIn);
  return typeof value === "object" && "__entity" in value
    ? [value.__entity as unknown as EntityUid]
    : [];
};

const uniqueOf = (uids: readonly EntityUid[]): EntityUid[] => [
  ...new Map(uids.map((uid) => [JSON.stringify([uid.type, uid.id]), uid])).values(),
];

/** What an attribute may be: undefined where nothing of the schema lies on the path, or only through another entity. */
function attributeOf(
  { names: [root, ...names] }: Path,
  clauses: readonly Clause[],
  environment: Environment,
): Dimension | undefined {
  if (root === "action" || names.length === 0) return undefined;
  const found = shapeAt(root, names, environment);
  if (found === undefined) return undefined;
  const { shape, isOptional } = found;
  const options: Option[] = optionsOf(
    shape,
    clauses.flatMap(({ constants }) => constants),
  ).map((value) => () => value);
  if (shape.type === "Boolean") options.splice(1, options.length, () => true);
  for (const side of SIDES)
    if (shape.type === "Entity" && shape.name === environment[side])
      options.push((draft) => ({ __entity: { type: environment[side], id: draft[side].id } }));
  return {
    ways: options.length + (isOptional ? 1 : 0),
    isWho: false,
    take(draft, way) {
      const fields = root === "context" ? draft.context : draft[root].attrs;
      put(fields, names, options[way]?.(draft));
    },
  };
}

type Option = (draft: Draft) => ValueJson;

function shapeAt(
  root: "context" | Side,
  names: readonly string[],
  { schema, action, ...types }: Environment,
): { shape: Shape; isOptional: boolean } | undefined {
  let shape = root === "context" ? schema.appliesTo(action)?.context : schema.shapeOf(types[root]);
  let isOptional = false;
  for (const name of names) {
    const field = shape?.type === "Record" ? shape.fields().get(name) : undefined;
    if (field === undefined) return undefined;
    isOptional = !field.required;
    shape = field.shape;
  }
  return shape && { shape, isOptional };
}

/** Records on the way that are not there are made; undefined takes the last one away. */
function put(fields: Fields, names: readonly string[], value: ValueJson | undefined): void {
  const [name, ...rest] = names as [string, ...string[]];
  if (rest.length > 0) {
    const inner = { ...(fields[name] as Fields | undefined) };
    put(inner, rest, value);
    if (value !== undefined || fields[name] !== undefined) fields[name] = inner;
  } else if (value === undefined) delete fields[name];
  else fields[name] = value;
}
