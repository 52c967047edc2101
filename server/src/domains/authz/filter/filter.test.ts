import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from "kysely";
import { describe, expect, test } from "vitest";
import {
  type Entities,
  EntityRef,
  type Expression,
  entitiesOf,
  type Policy,
  PolicySet,
  type Request,
  recordOf,
  Schema,
  type ValueJson,
} from "../engine/index.ts";
import { authorizedFilter, filterExpression, filterText, sessionFilter } from "./filter.ts";
import { kyselyOf, withLiterals } from "./fragment.ts";
import type { Mapping } from "./mapping.ts";
import { Unsupported } from "./unsupported.ts";

const of = (type: string, required = true) => ({ type, required });
const entity = (name: string, required = true) => ({ type: "Entity", name, required });
const extension = (name: string, required = false) => ({ type: "Extension", name, required });

const SCHEMA = new Schema({
  "": {
    entityTypes: {
      User: {
        memberOfTypes: ["Group"],
        shape: { type: "Record", attributes: { level: of("Long", false) } },
      },
      Group: {},
      Folder: { memberOfTypes: ["Folder"] },
      Doc: {
        memberOfTypes: ["Folder"],
        tags: { type: "String" },
        shape: {
          type: "Record",
          attributes: {
            title: of("String"),
            size: of("Long"),
            open: of("Boolean", false),
            owner: entity("User"),
            parent: entity("Doc", false),
            address: extension("ipaddr"),
            due: extension("datetime"),
            unmapped: of("String", false),
            place: { type: "Record", attributes: { city: of("String") }, required: false },
          },
        },
      },
    },
    actions: { read: { appliesTo: { principalTypes: ["User"], resourceTypes: ["Doc"] } } },
  },
});

const MAPPING: Mapping = {
  table: "docs",
  id: { column: "id" },
  parents: [{ type: "Folder", column: "folder" }],
  attributes: {
    title: { column: "title" },
    size: { column: "size" },
    open: { column: "open" },
    owner: { column: "owner", as: "uuid" },
    parent: { column: "parent" },
    address: { column: "address" },
    due: { column: "due" },
    place: { column: "place" },
  },
  hierarchy: {
    Folder: {
      table: "folders",
      id: { column: "id" },
      parents: [{ type: "Folder", column: "parent" }],
    },
  },
};

const resource: Expression = { Var: "resource" };
const get = (attr: string, left: Expression = resource): Expression => ({ ".": { left, attr } });
const two = (name: string, left: Expression, right: Expression) =>
  ({ [name]: { left, right } }) as Expression;
const value = (Value: ValueJson): Expression => ({ Value });
const uid = (type: string, id: string): Expression => value({ __entity: { type, id } });

const permit = (...bodies: Expression[]): Policy => ({
  effect: "permit",
  principal: { op: "All" },
  action: { op: "All" },
  resource: { op: "All" },
  conditions: bodies.map((body) => ({ kind: "when" as const, body })),
});

const setOf = (...policies: Policy[]) =>
  new PolicySet({ staticPolicies: Object.fromEntries(policies.map((one, i) => [`p${i}`, one])) });

const request = (entities: Entities = entitiesOf([])): Request => ({
  principal: new EntityRef("User", "ada"),
  action: new EntityRef("Action", "read"),
  resource: new EntityRef("Doc", ""),
  context: recordOf({}, "context"),
  entities,
});

const filterOf = (bodies: readonly Expression[], mapping = MAPPING, entities?: Entities) =>
  authorizedFilter(setOf(permit(...bodies)), SCHEMA, request(entities), mapping);

function refusal(work: () => unknown): Unsupported {
  try {
    work();
  } catch (error) {
    if (error instanceof Unsupported) return error;
    throw error;
  }
  throw new Error("it was compiled");
}

describe("what has no exact SQL is refused, with its policy and its clause", () => {
  const MIXED = { Set: [value(1), get("title")] };
  test.each<[string, Unsupported["reason"], Expression, string | null]>([
    [
      "an attribute without a column",
      "attribute_unmapped",
      two("==", get("unmapped"), value("a")),
      'resource.unmapped == "a"',
    ],
    [
      "the presence of one",
      "attribute_unmapped",
      { has: { left: resource, attr: "unmapped" } },
      "resource has unmapped",
    ],
    [
      "an attribute of what an attribute names",
      "other_entity",
      two("==", get("level", get("owner")), value(1)),
      "resource.owner.level",
    ],
    [
      "its presence",
      "other_entity",
      { has: { left: get("owner"), attr: "level" } },
      "resource.owner has level",
    ],
    [
      "what the owner is in",
      "hierarchy_unmapped",
      two("in", get("owner"), uid("Group", "g")),
      'resource.owner in Group::"g"',
    ],
    [
      "a told document's attribute",
      "entity_not_told",
      two("==", get("title", uid("Doc", "1")), get("title")),
      null,
    ],
    [
      "what a folder that was not told is in",
      "entity_not_told",
      two("&&", two("in", uid("Folder", "a"), uid("Folder", "b")), get("open")),
      null,
    ],
    ["tags", "operator", two("==", two("getTag", resource, value("t")), value("a")), null],
    ["a record", "other_entity", two("==", get("city", get("place")), value("a")), null],
    ["an address", "operator", { isIpv4: [get("address")] }, "resource.address.isIpv4()"],
    [
      "a text that is read as an address",
      "operator",
      two("==", { ip: [get("title")] }, { ip: [value("::1")] }),
      null,
    ],
    ["a comparison of a text with a number", "type", two("<", get("title"), value(1)), null],
    [
      "a text where a boolean is wanted",
      "type",
      two("&&", { has: { left: resource, attr: "open" } }, get("title")),
      null,
    ],
    ["a set of several types", "type", two("contains", MIXED, get("size")), null],
    ["zero characters", "text", two("==", get("title"), value("a\0")), null],
    [
      "halves of surrogate pairs",
      "text",
      { like: { left: get("title"), pattern: [{ Literal: "\ud800" }] } },
      null,
    ],
  ])("%s", (_, reason, body, clause) => {
    const found = refusal(() => filterOf([body]));
    expect([found.reason, found.policy]).toEqual([reason, "p0"]);
    if (clause !== null) expect(found.clause).toContain(clause);
  });

  test.each<[string, Unsupported["reason"], Partial<Mapping>]>([
    ["without the column of parents", "hierarchy_unmapped", { parents: [] }],
    ["without the parents of folders", "hierarchy_unmapped", { hierarchy: {} }],
    [
      "with parents that the schema does not know",
      "hierarchy_unmapped",
      { parents: [{ type: "User", column: "a" }] },
    ],
    [
      "with an attribute that the schema does not know",
      "attribute_unmapped",
      { attributes: { other: { column: "a" } } },
    ],
    [
      "with a type of another column",
      "type",
      { attributes: { title: { column: "title", as: "uuid" } } },
    ],
    ["with a name that PostgreSQL would cut", "text", { alias: "a".repeat(64) }],
    ["with a name of our own", "text", { alias: "sealbase_under" }],
  ])("a mapping %s", (_, reason, more) => {
    const body = two(
      "&&",
      two("in", resource, uid("Folder", "f")),
      two("==", get("title"), value("a")),
    );
    const attributes = { title: { column: "title" }, ...more.attributes };
    expect(refusal(() => filterOf([body], { ...MAPPING, ...more, attributes })).reason).toBe(
      reason,
    );
  });
});

describe("names and values stay what they are", () => {
  const NASTY = `"; drop table docs; --`;
  test("values are parameters, names are quoted", () => {
    const mapping = { ...MAPPING, table: NASTY, attributes: { title: { column: 'a"b' } } };
    const { text, params } = filterText(
      filterOf([two("==", get("title"), value(`' or ${NASTY}`))], mapping),
      7,
    );
    const table = '"""; drop table docs; --"';
    expect(text).toBe(
      `(${table}."a""b")::pg_catalog.text collate pg_catalog."C" is not null and (((${table}."a""b")::pg_catalog.text collate pg_catalog."C" = $7::pg_catalog.text))`,
    );
    expect(params).toEqual([`' or ${NASTY}`]);
  });

  test("literals of stored text, too", () => {
    const filter = sessionFilter(
      setOf(permit(two("==", get("title"), value("it's \\ $sealbase$")))),
      SCHEMA,
      request(),
      { ...MAPPING, schema: "app" },
      { principal: { type: "User", setting: "app.user" }, groups: [] },
    );
    expect(withLiterals(filter.fragment)).toContain(`E'it''s \\\\ $sealbase$'::pg_catalog.text`);
  });

  test("a Kysely expression is the same text with the same parameters", () => {
    const db = new Kysely<{ docs: { id: string } }>({
      dialect: {
        createAdapter: () => new PostgresAdapter(),
        createDriver: () => new DummyDriver(),
        createIntrospector: (it) => new PostgresIntrospector(it),
        createQueryCompiler: () => new PostgresQueryCompiler(),
      },
    });
    const filter = filterOf([two("==", get("title"), value("a")), two("<", get("size"), value(3))]);
    const { text, params } = filterText(filter, 2);
    const made = db
      .selectFrom("docs")
      .select("id")
      .where("id", ">", "0")
      .where(filterExpression(filter))
      .compile();
    expect(made.sql).toBe(`select "id" from "docs" where "id" > $1 and ${text}`);
    expect(made.parameters).toEqual(["0", ...params]);
    expect(kyselyOf(["true"])).toBeDefined();
  });
});

describe("what is left of a policy", () => {
  const told = entitiesOf([
    {
      uid: { type: "User", id: "ada" },
      attrs: { level: 2 },
      parents: [{ type: "Group", id: "g" }],
    },
  ]);
  const isOpen = two("==", get("open"), value(true));
  const level = get("level", { Var: "principal" });
  test.each<[string, Expression, Expression | null]>([
    ["is what reads the row", two("&&", two("==", level, value(2)), isOpen), isOpen],
    [
      "is nothing where what is known is false",
      two("&&", two("==", level, value(3)), isOpen),
      null,
    ],
    [
      "has what is known as values",
      two("==", get("size"), two("+", level, value(1))),
      two("==", get("size"), value(3)),
    ],
    [
      "keeps what fails as it was written",
      two("||", isOpen, two("==", get("none", { Var: "context" }), value(1))),
      two("||", isOpen, two("==", get("none", { Var: "context" }), value(1))),
    ],
    [
      "is true where only the type matters",
      { is: { left: resource, entity_type: "Doc" } },
      value(true),
    ],
  ])("%s", (_, body, wanted) => {
    const { policies } = filterOf([body], MAPPING, told);
    expect(policies.map(({ residual }) => residual)).toEqual(wanted === null ? [] : [wanted]);
  });

  const forbid = (body: Expression): Policy => ({ ...permit(body), effect: "forbid" });
  const failing = two("==", get("none", { Var: "context" }), value(1));
  test.each<[string, PolicySet, string]>([
    ["no policy shows nothing", setOf(), "none"],
    ["a permit without conditions shows all", setOf(permit()), "all"],
    ["a permit that fails shows nothing", setOf(permit(failing)), "none"],
    ["a forbid that fails hides all", setOf(permit(), forbid(failing)), "none"],
    ["a forbid without conditions hides all", setOf(permit(), forbid(value(true))), "none"],
    ["a forbid of other rows leaves some", setOf(permit(), forbid(isOpen)), "some"],
  ])("%s", (_, policies, rows) => {
    expect(authorizedFilter(policies, SCHEMA, request(), MAPPING).rows).toBe(rows);
  });
});
