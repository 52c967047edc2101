import { describe, expect, test } from "vitest";
import {
  type EntityJson,
  EntityRef,
  entitiesOf,
  Malformed,
  recordOf,
  Schema,
  type SchemaJson,
} from "./index.ts";

const SCHEMA: SchemaJson = {
  "": {
    entityTypes: { Group: {}, Folder: { memberOfTypes: ["Folder"] } },
    actions: {
      read: {},
      look: {
        memberOf: [{ id: "read" }],
        appliesTo: { principalTypes: ["App::User"], resourceTypes: ["Folder"] },
      },
    },
  },
  App: {
    commonTypes: {
      Address: {
        type: "Record",
        attributes: { street: { type: "String" }, zip: { type: "Long", required: false } },
      },
    },
    entityTypes: {
      Color: { enum: ["red", "blue"] },
      Team: { memberOfTypes: ["Team", "Group"] },
      User: {
        memberOfTypes: ["Team"],
        shape: {
          type: "Record",
          attributes: {
            name: { type: "String" },
            home: { type: "Address", required: false },
            manager: { type: "Entity", name: "User", required: false },
            color: { type: "EntityOrCommon", name: "Color", required: false },
            limit: { type: "decimal", required: false },
            since: { type: "Extension", name: "datetime", required: false },
            labels: { type: "Set", element: { type: "__cedar::String" }, required: false },
          },
        },
        tags: { type: "Long" },
      },
    },
    actions: {
      view: {
        memberOf: [{ id: "all", type: "App::Action" }],
        appliesTo: {
          principalTypes: ["User"],
          resourceTypes: ["Folder", "Team"],
          context: {
            type: "Record",
            attributes: { ok: { type: "Bool" }, from: { type: "ipaddr", required: false } },
          },
        },
      },
      all: {},
    },
  },
};
const schema = new Schema(SCHEMA);

const ADA: EntityJson = {
  uid: { type: "App::User", id: "ada" },
  attrs: { name: "Ada" },
  parents: [],
  tags: {},
};
const ask = (more: {
  principal?: EntityRef;
  action?: EntityRef;
  resource?: EntityRef;
  context?: object;
  entities?: readonly EntityJson[];
}) =>
  schema.check({
    principal: more.principal ?? new EntityRef("App::User", "ada"),
    action: more.action ?? new EntityRef("App::Action", "view"),
    resource: more.resource ?? new EntityRef("Folder", "f"),
    context: recordOf({ ok: true, ...more.context }, "context"),
    entities: entitiesOf(more.entities ?? [ADA]),
  });
const ada = (attrs: EntityJson["attrs"], more: Partial<EntityJson> = {}) => ({
  entities: [{ ...ADA, attrs: { name: "Ada", ...attrs }, ...more }],
});
const extn = (fn: string, arg: string) => ({ __extn: { fn, arg } });
const named = (type: string, id: string) => ({ __entity: { type, id } });

describe("a question that is as declared", () => {
  test.each<[string, Parameters<typeof ask>[0]]>([
    ["with what is required", {}],
    ["with another resource type", { resource: new EntityRef("App::Team", "t") }],
    [
      "in a group that its type can only be in through another",
      {
        entities: [
          ADA,
          {
            uid: { type: "App::User", id: "bob" },
            attrs: { name: "Bob" },
            parents: [{ type: "Group", id: "g" }],
          },
        ],
      },
    ],
    [
      "of the namespace without a name",
      { action: new EntityRef("Action", "look"), context: { ok: undefined } },
    ],
    ["with an address", { context: { from: extn("ip", "10.0.0.1") } }],
    [
      "with every attribute",
      ada(
        {
          home: { street: "S", zip: 1 },
          manager: named("App::User", "bob"),
          color: named("App::Color", "red"),
          limit: extn("decimal", "1.0"),
          since: extn("datetime", "2024-01-01"),
          labels: ["a"],
        },
        { tags: { t: 1 }, parents: [{ type: "App::Team", id: "t" }] },
      ),
    ],
  ])("%s passes", (_, more) => {
    const { context = {} } = more;
    if ("ok" in context)
      expect(() =>
        schema.check({
          principal: new EntityRef("App::User", "ada"),
          action: more.action!,
          resource: new EntityRef("Folder", "f"),
          context: new Map(),
          entities: entitiesOf([ADA]),
        }),
      ).not.toThrow();
    else expect(() => ask(more)).not.toThrow();
  });
});

describe("a question that is not as declared", () => {
  test.each<[string, Parameters<typeof ask>[0], string, RegExp]>([
    [
      "an unknown action",
      { action: new EntityRef("App::Action", "edit") },
      "action",
      /no App::Action::"edit"/,
    ],
    [
      "an action of another namespace",
      { action: new EntityRef("Action", "view") },
      "action",
      /no Action::"view"/,
    ],
    [
      "a group of actions",
      { action: new EntityRef("App::Action", "all") },
      "principal",
      /does not apply/,
    ],
    [
      "another principal",
      { principal: new EntityRef("Group", "g") },
      "principal",
      /does not apply/,
    ],
    ["another resource", { resource: new EntityRef("Group", "g") }, "resource", /does not apply/],
    [
      "an attribute of the context too much",
      { context: { more: 1 } },
      "context.more",
      /no such attribute/,
    ],
    [
      "another type in the context",
      { context: { ok: "yes" } },
      "context.ok",
      /a boolean was expected, not a string/,
    ],
    [
      "another extension in the context",
      { context: { from: extn("decimal", "1.0") } },
      "context.from",
      /ipaddr/,
    ],
    ["nothing told of the principal", { entities: [] }, "principal", /must have name/],
    [
      "an unknown type",
      { entities: [ADA, { uid: { type: "Robot", id: "r" } }] },
      'entities Robot::"r"',
      /no entity type Robot/,
    ],
    [
      "no such member of an enumeration",
      { entities: [ADA, { uid: { type: "App::Color", id: "green" } }] },
      'entities App::Color::"green"',
      /has no "green"/,
    ],
    [
      "no such member of an enumeration as a value",
      ada({ color: named("App::Color", "green") }),
      'entities App::User::"ada" attrs.color',
      /has no "green"/,
    ],
    [
      "a parent of another type",
      ada({}, { parents: [{ type: "Folder", id: "g" }] }),
      'entities App::User::"ada"',
      /cannot be in a Folder/,
    ],
    [
      "a number in a set of strings",
      ada({ labels: ["a", 1] }),
      'entities App::User::"ada" attrs.labels[1]',
      /a string/,
    ],
    [
      "a record without a field",
      ada({ home: {} }),
      'entities App::User::"ada" attrs.home.street',
      /missing/,
    ],
    [
      "a record with one too much",
      ada({ home: { street: "", no: 1 } }),
      'entities App::User::"ada" attrs.home.no',
      /no such/,
    ],
    [
      "an entity of another type",
      ada({ manager: named("Group", "g") }),
      'entities App::User::"ada" attrs.manager',
      /App::User/,
    ],
    [
      "a tag of another type",
      ada({}, { tags: { t: "a" } }),
      'entities App::User::"ada" tags.t',
      /a long/,
    ],
    [
      "tags where there are none",
      { entities: [ADA, { uid: { type: "Folder", id: "g" }, tags: { t: 1 } }] },
      'entities Folder::"g" tags',
      /have no tags/,
    ],
  ])("%s is told", (_, more, at, message) => {
    const failed = (() => {
      try {
        ask(more);
        return undefined;
      } catch (error) {
        return error;
      }
    })();
    expect(failed).toBeInstanceOf(Malformed);
    expect([(failed as Malformed).at, (failed as Malformed).message]).toEqual([
      at,
      expect.stringMatching(message),
    ]);
    expect((failed as Malformed).help).toMatch(/\.$/);
  });

  test.each<[string, EntityJson["attrs"], string]>([
    ["an entity", { manager: "bob" }, '{"__entity": {"type": "App::User", "id": "…"}}'],
    ["a decimal", { limit: "1.5" }, '{"__extn": {"fn": "decimal", "arg": "…"}}'],
  ])("with how %s is written", (_, attrs, written) => {
    expect(() => ask(ada(attrs))).toThrow(
      expect.objectContaining({ help: `Write it as ${written}.` }),
    );
  });
});

test("an action comes with everything that it is declared in", () => {
  const read = { uid: { type: "Action", id: "read" }, parents: [] };
  expect(schema.lineageOf({ type: "App::Action", id: "view" })).toEqual([
    { uid: { type: "App::Action", id: "view" }, parents: [{ type: "App::Action", id: "all" }] },
    { uid: { type: "App::Action", id: "all" }, parents: [] },
  ]);
  expect(schema.lineageOf({ type: "Action", id: "look" })).toEqual([
    { uid: { type: "Action", id: "look" }, parents: [read.uid] },
    read,
  ]);
  expect(schema.lineageOf({ type: "Action", id: "nothing" })).toEqual([]);
});
