import fc from "fast-check";
import type {
  ActionScope,
  EntityJson,
  EntityUid,
  Policy,
  PolicySetJson,
  Scope,
  Slot,
  TemplateLink,
  ValueJson,
} from "../../src/domains/authz/engine/index.ts";
import { expression } from "./expressions.ts";
import {
  ACTION_GROUPS,
  ACTIONS,
  ALBUMS,
  anyValue,
  attributes,
  GROUPS,
  PHOTOS,
  pick,
  USERS,
  uid,
} from "./values.ts";

/** A case that both engines decide: policies, what is known, and questions about it. */
export interface Case {
  readonly policies: PolicySetJson;
  /** What is known in every other request: an answer must not outlive what it was made of. */
  readonly stores: readonly [readonly EntityJson[], readonly EntityJson[]];
  readonly requests: readonly RequestJson[];
}

export interface RequestJson {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: Readonly<Record<string, ValueJson>>;
}

const scopeOf = (
  own: readonly EntityUid[],
  groups: readonly EntityUid[],
  slot: Slot | null,
): fc.Arbitrary<Scope> => {
  const named = (of: readonly EntityUid[]) =>
    slot === null ? pick(...of).map((entity) => ({ entity })) : fc.constant({ slot });
  const type = pick(own[0]!.type, own[0]!.type, "Nobody");
  const slotted = fc.oneof(
    named([...own, ...own, ...own.map(({ id }) => uid("Namesake", id))]).map(
      (of): Scope => ({ op: "==", ...of }),
    ),
    named([...groups, ...own]).map((of): Scope => ({ op: "in", ...of })),
    fc
      .tuple(type, named(groups))
      .map(([entity_type, of]): Scope => ({ op: "is", entity_type, in: of })),
  );
  if (slot !== null) return slotted;
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant<Scope>({ op: "All" }) },
    { weight: 5, arbitrary: slotted },
    { weight: 1, arbitrary: type.map((entity_type): Scope => ({ op: "is", entity_type })) },
  );
};

const actionScope: fc.Arbitrary<ActionScope> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<ActionScope>({ op: "All" }) },
  { weight: 2, arbitrary: pick(...ACTIONS).map((entity): ActionScope => ({ op: "==", entity })) },
  {
    weight: 2,
    arbitrary: pick(...ACTION_GROUPS, ...ACTIONS).map(
      (entity): ActionScope => ({ op: "in", entity }),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .array(pick(...ACTION_GROUPS, ...ACTIONS), { maxLength: 3 })
      .map((entities): ActionScope => ({ op: "in", entities })),
  },
);

const policyWith = (principal: Slot | null, resource: Slot | null): fc.Arbitrary<Policy> =>
  fc.record({
    effect: fc.oneof(
      { weight: 5, arbitrary: fc.constant("permit" as const) },
      { weight: 1, arbitrary: fc.constant("forbid" as const) },
    ),
    principal: scopeOf(USERS, GROUPS, principal),
    action: actionScope,
    resource: scopeOf(PHOTOS, ALBUMS, resource),
    conditions: fc.array(
      fc.record({
        kind: pick("when" as const, "when" as const, "unless" as const),
        body: expression("bool", 3),
      }),
      { maxLength: 2 },
    ),
  });

const policies: fc.Arbitrary<PolicySetJson> = fc
  .record({
    statics: fc.array(policyWith(null, null), { maxLength: 9 }),
    templates: fc.array(
      pick<[Slot | null, Slot | null]>(
        ["?principal", null],
        [null, "?resource"],
        ["?principal", "?resource"],
      ).chain(([principal, resource]) =>
        fc.tuple(
          policyWith(principal, resource),
          fc.array(
            fc.record({
              ...(principal === null ? {} : { "?principal": pick(...USERS, ...GROUPS) }),
              ...(resource === null ? {} : { "?resource": pick(...PHOTOS, ...ALBUMS) }),
            }),
            { maxLength: 2 },
          ),
        ),
      ),
      { maxLength: 2 },
    ),
  })
  .map(({ statics, templates }) => ({
    staticPolicies: Object.fromEntries(statics.map((policy, i) => [`policy${i}`, policy])),
    templates: Object.fromEntries(templates.map(([template], i) => [`template${i}`, template])),
    templateLinks: templates.flatMap(([, links], i) =>
      links.map(
        (values, n): TemplateLink => ({
          templateId: `template${i}`,
          newId: `link${i}.${n}`,
          values,
        }),
      ),
    ),
  }));

const isKnown = ({ id }: EntityUid): boolean => id !== "ghost";

/** Each may be in entities that come later, so there are no rings. */
const ORDER = [...USERS, ...PHOTOS, ...ALBUMS, ...GROUPS].filter(isKnown);
const ACTION_ENTITIES: EntityJson[] = [
  { uid: ACTIONS[0]!, attrs: {}, parents: [ACTION_GROUPS[0]!] },
  { uid: ACTIONS[1]!, attrs: {}, parents: [ACTION_GROUPS[1]!] },
  { uid: ACTION_GROUPS[1]!, attrs: {}, parents: [ACTION_GROUPS[0]!] },
];

export const entities: fc.Arbitrary<EntityJson[]> = fc
  .tuple(
    ...ORDER.map((own, at) =>
      fc.record({
        uid: fc.constant(own),
        attrs: attributes,
        parents: fc.subarray(ORDER.slice(at + 1)),
        tags: fc.dictionary(pick("t1", "t2"), anyValue(1), { maxKeys: 2, noNullPrototype: true }),
      }),
    ),
  )
  .chain((all) => fc.subarray([...all, ...ACTION_ENTITIES], { minLength: 4 }));

export const request: fc.Arbitrary<RequestJson> = fc.record({
  principal: pick(...USERS),
  action: pick(...ACTIONS),
  resource: pick(...PHOTOS),
  context: attributes,
});

export const cases: fc.Arbitrary<Case> = fc.record({
  policies,
  stores: fc.tuple(entities, entities),
  requests: fc.array(request, { minLength: 8, maxLength: 8 }),
});
