import type {
  EntityJson,
  Expression,
  Policy,
  PolicySetJson,
  SchemaJson,
} from "../../server/src/domains/authz/engine/index.ts";
import type { Question } from "../../server/src/pipeline/index.ts";

export type Random = () => number;

const long = { type: "Long" };
const text = { type: "String" };
const record = (
  attributes: Record<string, { type: string; name?: string; required?: boolean }>,
) => ({
  type: "Record",
  attributes,
});

/** Eight actions; the last two hardly anybody does. */
const ACTIONS = Array.from({ length: 8 }, (_, i) => `a${i}`);
const GROUPS = ["staff", "leads", "audit", "night", "partners"];
const CITIES = ["Bern", "Basel", "Chur"];

/** A project's own schema: papers in folders, which have owners. */
export const SCHEMA: SchemaJson = {
  "": {
    entityTypes: {
      Group: {},
      Folder: { shape: record({ keeper: { type: "Entity", name: "User" } }) },
      User: { memberOfTypes: ["Group"], shape: record({ level: long }) },
      Paper: {
        memberOfTypes: ["Folder"],
        shape: record({
          owner: { type: "Entity", name: "User" },
          folder: { type: "Entity", name: "Folder" },
          state: text,
        }),
      },
    },
    actions: {
      any: {},
      ...Object.fromEntries(
        ACTIONS.map((id) => [
          id,
          {
            memberOf: [{ id: "any" }],
            appliesTo: {
              principalTypes: ["User"],
              resourceTypes: ["Paper"],
              context: record({
                amount: long,
                fee: long,
                hour: long,
                city: text,
                mfa: { type: "Boolean" },
                address: { type: "Extension", name: "ipaddr" },
              }),
            },
          },
        ]),
      ),
    },
  },
};

const attr = (left: Expression, name: string): Expression => ({ ".": { left, attr: name } });
const context = (name: string) => attr({ Var: "context" }, name);
const resource = (name: string) => attr({ Var: "resource" }, name);
const two = (name: string, left: Expression, right: Expression): Expression => ({
  [name]: { left, right },
});
const value = (of: string | number | boolean): Expression => ({ Value: of });
const and = (all: readonly Expression[]) => all.reduce((left, right) => two("&&", left, right));
const uid = (type: string, id: string) => ({ type, id });

/** What a policy says, in parts that changes take hold of. */
interface Plan {
  effect: Policy["effect"];
  group: string | null;
  actions: string[];
  amount: { op: string; than: number } | null;
  fee: number | null;
  hour: number | null;
  network: string | null;
  city: string | null;
  mfa: boolean;
  owner: boolean;
  keeper: boolean;
  state: string | null;
  turned: boolean;
  twice: boolean;
  noted: boolean;
}

const PLAIN: Plan = {
  effect: "permit",
  group: null,
  actions: [],
  amount: null,
  fee: null,
  hour: null,
  network: null,
  city: null,
  mfa: false,
  owner: false,
  keeper: false,
  state: null,
  turned: false,
  twice: false,
  noted: false,
};

function written(plan: Plan): Policy {
  const parts: Expression[] = [
    ...(plan.amount ? [two(plan.amount.op, context("amount"), value(plan.amount.than))] : []),
    ...(plan.fee === null
      ? []
      : [two("<=", two("+", context("amount"), context("fee")), value(plan.fee))]),
    ...(plan.hour === null ? [] : [two("<", context("hour"), value(plan.hour))]),
    ...(plan.network === null
      ? []
      : [{ isInRange: [context("address"), { ip: [value(plan.network)] }] } as Expression]),
    ...(plan.city === null ? [] : [two("==", context("city"), value(plan.city))]),
    ...(plan.mfa ? [context("mfa")] : []),
    ...(plan.owner ? [two("==", resource("owner"), { Var: "principal" } as Expression)] : []),
    ...(plan.keeper
      ? [two("==", attr(resource("folder"), "keeper"), { Var: "principal" } as Expression)]
      : []),
    ...(plan.state === null ? [] : [two("==", resource("state"), value(plan.state))]),
  ];
  const ordered = plan.turned ? parts.toReversed() : parts;
  const whole = ordered.length === 0 ? null : and(ordered);
  const twice = (body: Expression) => ({ "!": { arg: { "!": { arg: body } } } }) as Expression;
  return {
    effect: plan.effect,
    annotations: plan.noted ? { reviewed: "yes" } : {},
    principal: plan.group === null ? { op: "All" } : { op: "in", entity: uid("Group", plan.group) },
    action: { op: "in", entities: plan.actions.map((id) => uid("Action", id)) },
    resource: { op: "is", entity_type: "Paper" },
    conditions: whole === null ? [] : [{ kind: "when", body: plan.twice ? twice(whole) : whole }],
  };
}

type Plans = Record<string, Plan>;

export const documentOf = (plans: Plans): PolicySetJson => ({
  staticPolicies: Object.fromEntries(
    Object.entries(plans).map(([id, plan]) => [id, written(plan)]),
  ),
});

const pick = <T>(random: Random, list: readonly T[]): T =>
  list[Math.floor(random() * list.length)]!;
const below = (random: Random, max: number) => Math.floor(random() * max);

/** A team's policies: every action is permitted to some, within bounds; two forbids lie over all. */
export function plansOf(random: Random): Plans {
  const plans: Plans = {};
  for (let i = 0; i < 20; i++)
    plans[`p${i}`] = {
      ...PLAIN,
      group: random() < 0.8 ? pick(random, GROUPS) : null,
      actions: [ACTIONS[i % ACTIONS.length]!, pick(random, ACTIONS)],
      amount: { op: "<=", than: 100 * (1 + below(random, 80)) },
      fee: random() < 0.3 ? 9_000 + below(random, 500) : null,
      hour: random() < 0.3 ? 6 + below(random, 16) : null,
      network: random() < 0.2 ? "10.1.0.0/16" : null,
      city: random() < 0.2 ? pick(random, CITIES) : null,
      mfa: random() < 0.2,
      owner: random() < 0.3,
      keeper: random() < 0.15,
      state: random() < 0.3 ? pick(random, ["open", "closed"]) : null,
    };
  plans["dear"] = {
    ...PLAIN,
    effect: "forbid",
    actions: [...ACTIONS],
    amount: { op: ">", than: 9_000 },
  };
  plans["sealed"] = { ...PLAIN, effect: "forbid", actions: [...ACTIONS], state: "sealed" };
  return plans;
}

/** What somebody did to the policies. Undefined when there is nothing to do it to. */
export interface Change {
  readonly name: string;
  /** Says the same in other words, by the way it is made. */
  readonly isSame: boolean;
  of(plans: Plans, random: Random): Plans | undefined;
}

const to = (
  name: string,
  isSame: boolean,
  fits: (plan: Plan) => boolean,
  change: (plan: Plan, random: Random) => Partial<Plan>,
): Change => ({
  name,
  isSame,
  of(plans, random) {
    const ids = Object.keys(plans).filter((id) => fits(plans[id]!));
    if (ids.length === 0) return undefined;
    const id = pick(random, ids);
    return { ...plans, [id]: { ...plans[id]!, ...change(plans[id]!, random) } };
  },
});

const isPermit = ({ effect }: Plan) => effect === "permit";
const limited = ({ amount }: Plan) => amount !== null;
const more =
  (by: number) =>
  ({ amount }: Plan) => ({
    amount: { ...amount!, than: amount!.than + by },
  });

export const CHANGES: readonly Change[] = [
  to("a limit by one", false, limited, more(1)),
  to("a limit by half", false, limited, ({ amount }) =>
    more(Math.round(amount!.than / 2))({ amount } as Plan),
  ),
  to(
    "<= becomes <",
    false,
    (plan) => plan.amount?.op === "<=",
    ({ amount }) => ({
      amount: { op: "<", than: amount!.than },
    }),
  ),
  to(
    "a sum's limit by one",
    false,
    ({ fee }) => fee !== null,
    ({ fee }) => ({ fee: fee! + 1 }),
  ),
  to(
    "an hour more",
    false,
    ({ hour }) => hour !== null,
    ({ hour }) => ({ hour: hour! + 1 }),
  ),
  to(
    "a wider network",
    false,
    ({ network }) => network !== null,
    () => ({ network: "10.0.0.0/8" }),
  ),
  to(
    "another city",
    false,
    ({ city }) => city !== null,
    ({ city }) => ({
      city: CITIES.find((one) => one !== city)!,
    }),
  ),
  to(
    "another group",
    false,
    ({ group }) => group !== null,
    ({ group }, random) => ({
      group: pick(
        random,
        GROUPS.filter((one) => one !== group),
      ),
    }),
  ),
  to(
    "everybody",
    false,
    ({ group }) => group !== null,
    () => ({ group: null }),
  ),
  to(
    "no second factor",
    false,
    ({ mfa }) => mfa,
    () => ({ mfa: false }),
  ),
  to(
    "not the owner alone",
    false,
    ({ owner }) => owner,
    () => ({ owner: false }),
  ),
  to(
    "not the folder's keeper alone",
    false,
    ({ keeper }) => keeper,
    () => ({ keeper: false }),
  ),
  to("an action more", false, isPermit, ({ actions }, random) => ({
    actions: [
      ...actions,
      pick(
        random,
        ACTIONS.filter((one) => !actions.includes(one)),
      ),
    ],
  })),
  to(
    "a forbid less",
    false,
    (plan) => !isPermit(plan),
    () => ({ actions: [] }),
  ),
  {
    name: "a permit less",
    isSame: false,
    of(plans, random) {
      const id = pick(
        random,
        Object.keys(plans).filter((one) => isPermit(plans[one]!)),
      );
      const { [id]: _, ...rest } = plans;
      return rest;
    },
  },
  {
    name: "another name",
    isSame: true,
    of(plans, random) {
      const id = pick(random, Object.keys(plans));
      const { [id]: plan, ...rest } = plans;
      return { ...rest, [`${id}-renamed`]: plan! };
    },
  },
  to(
    "conditions the other way round",
    true,
    ({ amount, state }) => amount !== null && state !== null,
    ({ turned }) => ({
      turned: !turned,
    }),
  ),
  to(
    "<= n becomes < n + 1",
    true,
    (plan) => plan.amount?.op === "<=",
    ({ amount }) => ({
      amount: { op: "<", than: amount!.than + 1 },
    }),
  ),
  to("not not", true, limited, ({ twice }) => ({ twice: !twice })),
  to(
    "a note",
    true,
    () => true,
    ({ noted }) => ({ noted: !noted }),
  ),
  {
    name: "one becomes two",
    isSame: true,
    of(plans, random) {
      const id = pick(
        random,
        Object.keys(plans).filter((one) => plans[one]!.actions.length > 1),
      );
      const [first, ...others] = plans[id]!.actions as [string, ...string[]];
      return {
        ...plans,
        [id]: { ...plans[id]!, actions: [first] },
        [`${id}-b`]: { ...plans[id]!, actions: others },
      };
    },
  },
  {
    name: "one more that permits nothing new",
    isSame: true,
    of(plans, random) {
      const id = pick(
        random,
        Object.keys(plans).filter((one) => isPermit(plans[one]!)),
      );
      return { ...plans, [`${id}-c`]: { ...plans[id]!, mfa: true } };
    },
  },
];

interface Habits {
  action(): string;
  amount(): number;
  hour(): number;
}

const subset = (random: Random, share: number) => GROUPS.filter(() => random() < share);

function question(random: Random, { action, amount, hour }: Habits): Question {
  const user = uid("User", `u${below(random, 30)}`);
  const folder = uid("Folder", `f${below(random, 4)}`);
  const paper = uid("Paper", `d${below(random, 200)}`);
  const someone = () => ({
    __entity: random() < 0.5 ? user : uid("User", `u${below(random, 30)}`),
  });
  const entities: EntityJson[] = [
    { uid: user, attrs: { level: below(random, 5) } },
    { uid: folder, attrs: { keeper: someone() } },
    {
      uid: paper,
      attrs: {
        owner: someone(),
        folder: { __entity: folder },
        state: pick(random, ["open", "open", "closed", "sealed"]),
      },
    },
  ];
  const range = pick(random, ["10.1.", "10.1.", "10.7.", "192.168."]);
  const address = `${range}${below(random, 256)}.${below(random, 256)}`;
  return {
    principal: { ...user, groups: subset(random, 0.3) },
    action: { id: action(), groups: [] },
    resource: paper,
    context: {
      amount: amount(),
      fee: below(random, 100),
      hour: hour(),
      city: pick(random, CITIES),
      mfa: random() < 0.5,
      address: { __extn: { fn: "ip", arg: address } },
    },
    entities: entities as NonNullable<Question["entities"]>,
  };
}

/** What people do all day: some actions often and the last two never, small amounts, office hours. */
export const usual = (random: Random): Question =>
  question(random, {
    action: () => ACTIONS[Math.floor(6 * random() ** 2)]!,
    amount: () => Math.floor(Math.exp(3 + 5.5 * random())),
    hour: () => 7 + below(random, 12),
  });

/** What anybody could ask, with the numbers that the policies name and those beside them. */
export function anything(random: Random, versions: readonly Plans[]): Question {
  const plans = versions.flatMap((one) => Object.values(one));
  const beside = (numbers: readonly (number | null | undefined)[]) => {
    const named = numbers.filter((one) => typeof one === "number");
    return named.length === 0 ? 0 : pick(random, named) + below(random, 3) - 1;
  };
  const asked = question(random, {
    action: () => pick(random, ACTIONS),
    amount: () => beside(plans.map(({ amount }) => amount?.than)),
    hour: () => (random() < 0.7 ? beside(plans.map(({ hour }) => hour)) : below(random, 24)),
  });
  // At the border of a sum.
  const sum = beside(plans.map(({ fee }) => fee));
  const { amount } = asked.context as { readonly amount: number };
  return random() < 0.3 ? { ...asked, context: { ...asked.context, fee: sum - amount } } : asked;
}
