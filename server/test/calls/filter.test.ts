import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Entities,
  EntityRef,
  type Expression,
  entitiesOf,
  type Policy,
  PolicySet,
  type Request,
  recordOf,
  Schema,
  type Scope,
  type ValueJson,
} from "../../src/domains/authz/engine/index.ts";
import {
  authorizedFilter,
  filterText,
  sessionFilter,
} from "../../src/domains/authz/filter/filter.ts";
import { withLiterals } from "../../src/domains/authz/filter/fragment.ts";
import { Unsupported } from "../../src/domains/authz/filter/unsupported.ts";
import {
  conditions,
  entitiesOfRow,
  FOLDER_PARENTS,
  KINDS,
  type Library,
  libraries,
  mappingOf,
  type Row,
  schemaOf,
  sqlOf,
  TEXTS,
  TOLD,
  valueOf,
} from "../oracle/rows.ts";
import { pick, uid } from "../oracle/values.ts";
import { openTestSystem, type TestSystem } from "../system.ts";

const NIGHTLY = process.env["SEALBASE_NIGHTLY"] === "1";
const [LIBRARIES, SETS, ROWS] = NIGHTLY ? [40, 200, 60] : [8, 100, 60];
const SEED = NIGHTLY ? Date.now() % 2 ** 31 : 7;

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  // A collation in which A equals a: what Cedar calls equal must not depend on it.
  await system.sql(
    "create collation any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
  );
  await system.sql("create schema library");
  await system.sql("create table library.folders (id text primary key, parent text)");
  for (const [id, parent] of Object.entries(FOLDER_PARENTS))
    await system.sql("insert into library.folders values ($1, $2)", [id, parent]);
});
afterAll(() => system?.stop());

async function store(name: string, library: Library): Promise<void> {
  const { attributes, rows } = library;
  const columns = Object.entries(attributes).map(([column, { kind }]) => {
    const { sql } = KINDS[kind];
    return `"${column}" ${sql}${sql === "text" ? " collate any_case" : ""}`;
  });
  await system.sql(
    `create table library.${name}_docs (${["id text primary key", "folder text", ...columns].join(", ")})`,
  );
  await system.sql(`create table library.${name}_labels (doc text, label text)`);
  const names = Object.keys(attributes);
  for (const { id, folder, labels, values } of rows) {
    await system.sql(
      `insert into library.${name}_docs values (${[id, folder, ...names].map((_, i) => `$${i + 1}`).join(", ")})`,
      [id, folder, ...names.map((one) => sqlOf(values[one]))],
    );
    for (const label of labels)
      await system.sql(`insert into library.${name}_labels values ($1, $2)`, [id, label]);
  }
}

const scope: fc.Arbitrary<Scope> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Scope>({ op: "All" }) },
  {
    weight: 1,
    arbitrary: pick(uid("Doc", "d1"), uid("Doc", "d7")).map(
      (entity): Scope => ({ op: "==", entity }),
    ),
  },
  {
    weight: 2,
    arbitrary: pick(uid("Folder", "f1"), uid("Folder", "f2"), uid("Label", "red")).map(
      (entity): Scope => ({ op: "in", entity }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Scope>({
      op: "is",
      entity_type: "Doc",
      in: { entity: uid("Folder", "f2") },
    }),
  },
);
const principal: fc.Arbitrary<Scope> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Scope>({ op: "All" }) },
  { weight: 1, arbitrary: fc.constant<Scope>({ op: "in", entity: uid("Group", "all") }) },
);

const policy: fc.Arbitrary<Policy> = fc.record({
  effect: pick("permit" as const, "permit" as const, "forbid" as const),
  principal,
  action: fc.constant({ op: "All" as const }),
  resource: scope,
  conditions: fc.array(
    fc.record({ kind: pick("when" as const, "unless" as const), body: conditions(3) }),
    { minLength: 0, maxLength: 2 },
  ),
});

const asked = fc.record({
  policies: fc.array(policy, { minLength: 1, maxLength: 4 }),
  principal: pick("ada", "bob"),
  context: fc
    .record({
      n: fc.option(valueOf("Long")),
      s: fc.option(valueOf("String")),
      who: fc.option(valueOf("User")),
    })
    .map(
      (all) =>
        Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)) as Record<
          string,
          ValueJson
        >,
    ),
});

const requestFor = (
  who: string,
  context: Record<string, ValueJson>,
  resource: EntityRef,
  entities: Entities,
): Request => ({
  principal: new EntityRef("User", who),
  action: new EntityRef("Action", "read"),
  resource,
  context: recordOf(context, "context"),
  entities,
});

/** Nothing that the schema allows to be asked about. */
const lacks = ({ attributes }: Library, { values }: Row): boolean =>
  Object.entries(attributes).some(([name, { required }]) => required && !(name in values));

test("patterns match what Cedar matches, and texts equal what it calls equal, whatever the collation", async () => {
  const attributes = { theString: { kind: "String", required: true } } as const;
  const library: Library = {
    attributes,
    rows: TEXTS.map((theString, i) => ({
      id: `t${i}`,
      folder: null,
      labels: [],
      values: { theString },
    })),
  };
  await store("texts", library);
  const schema = new Schema(schemaOf(library) as never);
  const left: Expression = { ".": { left: { Var: "resource" }, attr: "theString" } };
  const bodies = TEXTS.flatMap((Literal): Expression[] => [
    { "==": { left, right: { Value: Literal } } },
    ...[[{ Literal }], ["Wildcard", { Literal }], [{ Literal }, "Wildcard"]].map(
      (pattern) => ({ like: { left, pattern } }) as Expression,
    ),
  ]);
  for (const body of bodies) {
    const all = { op: "All" } as const;
    const conditions = [{ kind: "when", body }] as const;
    const one: Policy = {
      effect: "permit",
      principal: all,
      action: all,
      resource: all,
      conditions,
    };
    const set = new PolicySet({ staticPolicies: { one } });
    const about = (id: string, entities: Entities) =>
      requestFor("ada", {}, new EntityRef("Doc", id), entities);
    const filter = authorizedFilter(
      set,
      schema,
      about("", entitiesOf([])),
      mappingOf("texts", library),
    );
    const { text, params } = filterText(filter);
    const found = await system.sql<{ id: string }>(
      `select id from library.texts_docs where ${text} order by length(id), id`,
      params,
    );
    const wanted = library.rows.filter(
      (row) => set.decide(about(row.id, entitiesOf(entitiesOfRow(row)))).outcome === "allow",
    );
    expect(
      found.map(({ id }) => id),
      JSON.stringify(body),
    ).toEqual(wanted.map(({ id }) => id));
  }
});

test("folders in a ring, which no decision could be asked with, take no statement for ever", async () => {
  const library: Library = {
    attributes: {},
    rows: [{ id: "r", folder: "ring2", labels: [], values: {} }],
  };
  await store("ring", library);
  await system.sql("insert into library.folders values ('ring1', 'ring2'), ('ring2', 'ring1')");
  const all = { op: "All" } as const;
  const within = { op: "in", entity: uid("Folder", "ring1") } as const;
  const one: Policy = {
    effect: "permit",
    principal: all,
    action: all,
    resource: within,
    conditions: [],
  };
  const set = new PolicySet({ staticPolicies: { one } });
  const request = requestFor("ada", {}, new EntityRef("Doc", ""), entitiesOf([]));
  const schema = new Schema(schemaOf(library) as never);
  const { text, params } = filterText(
    authorizedFilter(set, schema, request, mappingOf("ring", library)),
  );
  expect(await system.sql(`select id from library.ring_docs where ${text}`, params)).toEqual([
    { id: "r" },
  ]);
});

describe("a filter and decisions row by row agree", () => {
  const counts = { checks: 0, allowed: 0, compiled: 0, refused: 0 };
  const drawn = fc.sample(libraries(ROWS), { numRuns: LIBRARIES, seed: SEED });

  test.each(drawn.map((library, i) => [`l${i}`, library, i] as const))(
    "%s",
    async (name, library, i) => {
      await store(name, library);
      const schema = new Schema(schemaOf(library) as never);
      const mapping = mappingOf(name, library);
      const told = entitiesOf(TOLD);
      const property = fc.asyncProperty(asked, async ({ policies, principal: who, context }) => {
        const set = new PolicySet({
          staticPolicies: Object.fromEntries(policies.map((one, i) => [`p${i}`, one])),
        });
        const request = requestFor(who, context, new EntityRef("Doc", ""), told);
        let filter: ReturnType<typeof authorizedFilter>;
        try {
          filter = authorizedFilter(set, schema, request, mapping);
        } catch (error) {
          if (!(error instanceof Unsupported)) throw error;
          counts.refused++;
          return;
        }
        counts.compiled++;
        const { text, params } = filterText(filter);
        const found = await system.sql<{ id: string; sees: boolean | null }>(
          `select id, ${text} as sees from library.${name}_docs`,
          params,
        );
        const sees = new Map(found.map((row) => [row.id, row.sees]));
        for (const row of library.rows) {
          const entities = new Entities([...told, ...entitiesOf(entitiesOfRow(row))]);
          const { outcome } = set.decide(
            requestFor(who, context, new EntityRef("Doc", row.id), entities),
          );
          counts.checks++;
          if (sees.get(row.id)) counts.allowed++;
          const wrong = lacks(library, row)
            ? sees.get(row.id) !== false && outcome !== "allow"
            : sees.get(row.id) !== (outcome === "allow");
          if (wrong)
            throw new Error(
              `${row.id}: ${outcome}, but ${sees.get(row.id)} by ${text} with ${JSON.stringify(params)} of ${JSON.stringify(row)}`,
            );
        }
      });
      await fc.assert(property, { numRuns: SETS, seed: SEED + i });
    },
  );

  test("also for whoever a session names, as a function that is kept in the database", async () => {
    const library = drawn[0]!;
    const schema = new Schema(schemaOf(library) as never);
    const mapping = mappingOf("l0", library);
    const groups: Record<string, string> = { ada: "{staff,all}", bob: "{admins}" };
    const settings = {
      principal: { type: "User", setting: "app.user" },
      groups: [{ type: "Group", setting: "app.groups" }],
    };
    const found = { compiled: 0, allowed: 0, checks: 0 };
    const property = fc.asyncProperty(asked, async ({ policies, principal: who }) => {
      const set = new PolicySet({
        staticPolicies: Object.fromEntries(policies.map((one, i) => [`p${i}`, one])),
      });
      let body: string;
      try {
        const open = requestFor("", {}, new EntityRef("Doc", ""), entitiesOf([]));
        body = withLiterals(sessionFilter(set, schema, open, mapping, settings).fragment);
      } catch (error) {
        if (!(error instanceof Unsupported)) throw error;
        return;
      }
      found.compiled++;
      await system.sql(
        `create or replace function library.allows(library.l0_docs) returns bool language sql stable as $sealbase$ select ${body} $sealbase$`,
      );
      await system.sql(
        "select set_config('app.user', $1, false), set_config('app.groups', $2, false)",
        [who, groups[who]],
      );
      const rows = await system.sql<{ id: string; sees: boolean | null }>(
        "select id, library.allows(d.*) as sees from library.l0_docs d",
      );
      const sees = new Map(rows.map((row) => [row.id, row.sees]));
      for (const row of library.rows) {
        const entities = new Entities([...entitiesOf(TOLD), ...entitiesOf(entitiesOfRow(row))]);
        const { outcome } = set.decide(requestFor(who, {}, new EntityRef("Doc", row.id), entities));
        found.checks++;
        if (outcome === "allow") found.allowed++;
        if (sees.get(row.id) !== (outcome === "allow") && !lacks(library, row))
          throw new Error(
            `${row.id}: ${outcome}, but ${sees.get(row.id)} by ${body} of ${JSON.stringify(row)}`,
          );
      }
    });
    await fc.assert(property, { numRuns: SETS * 3, seed: SEED });
    expect(found.checks).toBeGreaterThan(SETS * 30);
    expect(found.allowed).toBeGreaterThan(found.checks / 20);
  });

  test("often enough for that to say something", () => {
    expect(counts.checks).toBeGreaterThan(NIGHTLY ? 200_000 : 20_000);
    expect(counts.allowed).toBeGreaterThan(counts.checks / 10);
    expect(counts.allowed).toBeLessThan((counts.checks * 9) / 10);
    expect(counts.refused).toBeLessThan(counts.compiled / 4);
  });
});
