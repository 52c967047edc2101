import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openMetrics } from "#kernel/metrics.ts";
import { cedarBusy, cedarTrapped, cedarUnread } from "../cedar/refusals.ts";
import { BUDGET_SPENT, type Decision, type Policy } from "../engine/index.ts";
import { type Answer, callOf, compare, type Sample } from "./compare.ts";
import { type Alarm, isChosen, Sampler } from "./sampler.ts";

const all = { op: "All" } as const;
const policy = (effect: Policy["effect"]): Policy => ({
  effect,
  principal: all,
  action: all,
  resource: all,
  conditions: [],
});
const slotted: Policy = { ...policy("forbid"), principal: { op: "==", slot: "?principal" } };

const sample = (decision: Partial<Decision> = {}, decisionId: string = randomUUID()): Sample => ({
  tenantId: "t",
  decisionId,
  versionId: "v",
  policies: {
    staticPolicies: { permit: policy("permit"), forbid: policy("forbid") },
    templates: { template: slotted },
    templateLinks: [
      {
        templateId: "template",
        newId: "link",
        values: { "?principal": { type: "User", id: "ada" } },
      },
    ],
  },
  question: {
    principal: { type: "User", id: "ada", groups: ["staff"] },
    action: { id: "doc.page.read", groups: ["doc"] },
    resource: { type: "Doc", id: "1" },
    context: {},
  },
  decision: { outcome: "allow", reasons: ["permit"], errors: [], ...decision },
});

const answer = (
  decision: "allow" | "deny",
  reason: readonly string[] = [],
  errors: readonly string[] = [],
): Answer => ({
  type: "success",
  response: {
    decision,
    diagnostics: { reason, errors: errors.map((policyId) => ({ policyId })) },
  },
});

describe("our decision and Cedar's", () => {
  test.each<[string, Partial<Decision>, Answer, object]>([
    ["are the same", {}, answer("allow", ["permit"]), { outcome: "agreed" }],
    [
      "are the same in another order",
      { reasons: ["a", "b"], errors: ["c", "d"] },
      answer("allow", ["b", "a"], ["d", "c"]),
      { outcome: "agreed" },
    ],
    [
      "differ in what they say",
      {},
      answer("deny"),
      { outcome: "disagreed", expected: { outcome: "deny", reasons: [], errors: [] } },
    ],
    ["differ in the reason", {}, answer("allow", ["link"]), { outcome: "disagreed" }],
    ["differ in an error", {}, answer("allow", ["permit"], ["other"]), { outcome: "disagreed" }],
    [
      "are the same by our rule: a forbid that fails denies",
      { outcome: "deny", reasons: [], errors: ["forbid"] },
      answer("allow", ["permit"], ["forbid"]),
      { outcome: "agreed" },
    ],
    [
      "are the same by that rule for the link of a template",
      { outcome: "deny", reasons: [], errors: ["link"] },
      answer("allow", ["permit"], ["link"]),
      { outcome: "agreed" },
    ],
    [
      "differ when that rule was not kept",
      { errors: ["forbid"] },
      answer("allow", ["permit"], ["forbid"]),
      { outcome: "disagreed", expected: { outcome: "deny", reasons: [], errors: ["forbid"] } },
    ],
    [
      "differ when it was kept for a permit that fails",
      { outcome: "deny", reasons: [], errors: ["permit"] },
      answer("allow", ["link"], ["permit"]),
      { outcome: "disagreed" },
    ],
    [
      "are not compared when ours was broken off",
      { outcome: "deny", reasons: [], errors: [BUDGET_SPENT] },
      answer("allow", ["permit"]),
      { outcome: "incomparable" },
    ],
    [
      "are not compared when the question is none to Cedar",
      {},
      { type: "failure", errors: [{ message: "no" }] },
      { outcome: "incomparable", because: "no" },
    ],
  ])("%s", (_, ours, theirs, finding) => {
    expect(compare(sample(ours), theirs)).toMatchObject(finding);
  });

  test("are of the same question: what is told of the principal is joined, an action comes once", () => {
    const { question, ...rest } = sample();
    const team = { type: "Team", id: "a" };
    const doc = { uid: { type: "Doc", id: "1" }, attrs: { open: true }, parents: [], tags: {} };
    const own = { uid: { type: "User", id: "ada" }, attrs: { age: 7 }, parents: [team] };
    // What is kept and was not told is known to both engines.
    const asked = { ...question, entities: [doc], kept: [own] };
    expect(callOf({ ...rest, question: asked }).entities).toEqual([
      {
        uid: { type: "User", id: "ada" },
        attrs: { age: 7 },
        parents: [{ type: "Group", id: "staff" }, team],
        tags: {},
      },
      {
        uid: { type: "Action", id: "doc.page.read" },
        attrs: {},
        parents: [{ type: "Action", id: "doc" }],
        tags: {},
      },
      doc,
    ]);
    const declared = { uid: { type: "Action", id: "doc.page.read" }, parents: [] };
    expect(callOf({ ...rest, question: { ...question, entities: [declared] } }).entities).toEqual([
      expect.objectContaining({ uid: { type: "User", id: "ada" } }),
      { ...declared, attrs: {}, tags: {} },
    ]);
  });
});

describe("the choice of decisions", () => {
  const ids = Array.from({ length: 20_000 }, () => randomUUID());
  test.each([
    [0, 0, 0],
    [0.01, 130, 270],
    [0.5, 9_700, 10_300],
    [1, 20_000, 20_000],
  ])("of a share of %d is of about as many, and always the same", (share, least, most) => {
    const chosen = ids.filter((id) => isChosen(id, share));
    expect(chosen.length).toBeGreaterThanOrEqual(least);
    expect(chosen.length).toBeLessThanOrEqual(most);
    expect(ids.filter((id) => isChosen(id, share))).toEqual(chosen);
  });
});

/** A sampler with an engine that says this, one thing after the other, and then the last. */
function rigged(...says: (Answer | Error)[]) {
  const metrics = openMetrics();
  const alarms: Alarm[] = [];
  const asked: string[] = [];
  const failures: Error[] = [];
  const sampler = new Sampler({
    share: 1,
    metrics,
    log: { warn: () => undefined, error: () => undefined },
    async ask({ resource }) {
      asked.push(resource.id);
      const said = says.length > 1 ? says.shift()! : says[0]!;
      if (said instanceof Error) throw said;
      return said;
    },
    async alarm(alarm) {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      alarms.push(alarm);
    },
  });
  const counts = async () =>
    Object.fromEntries(
      (await metrics.oracle.get()).values.flatMap(({ labels, value }) =>
        value === 0 ? [] : [[labels.outcome, value]],
      ),
    );
  return { sampler, alarms, asked, failures, counts };
}

const AGREES = answer("allow", ["permit"]);
const TRAP = cedarTrapped("unreachable");

describe("the sampler", () => {
  test.each<[string, (Answer | Error)[], object, Alarm["because"] | null]>([
    ["agrees", [AGREES], { agreed: 1 }, null],
    ["alarms at what is said twice", [answer("deny")], { disagreed: 1 }, "disagreed"],
    ["alarms at two traps", [TRAP], { trapped: 1 }, "trapped"],
    ["does not at what is said once", [answer("deny"), AGREES], { unsure: 1 }, null],
    ["does not at one trap", [TRAP, AGREES], { unsure: 1 }, null],
    ["does not at a trap and something else", [TRAP, answer("deny")], { unsure: 1 }, null],
    ["leaves out what the engine has no time for", [cedarBusy(32)], { dropped: 1 }, null],
    [
      "tells apart what cannot be compared",
      [{ type: "failure", errors: [{ message: "no" }] }],
      { incomparable: 1 },
      null,
    ],
    ["or read", [cedarUnread("recursion limit exceeded")], { incomparable: 1 }, null],
  ])("%s", async (_, says, counted, because) => {
    const { sampler, alarms, counts } = rigged(...says);
    const one = sample();
    sampler.add(one);
    await sampler.idle();
    expect(await counts()).toEqual(counted);
    expect(alarms.map((alarm) => [alarm.because, alarm.sample])).toEqual(
      because === null ? [] : [[because, one]],
    );
  });

  test("asks after its caller went on, and drops what does not fit", async () => {
    const { sampler, asked, counts } = rigged(AGREES);
    for (let i = 0; i < 130; i++) sampler.add(sample());
    expect(asked).toEqual([]);
    await sampler.idle();
    const { agreed, dropped } = await counts();
    expect(agreed! + dropped!).toBe(130);
    expect(agreed).toBe(asked.length);
    expect(dropped).toBeGreaterThanOrEqual(29);
  });

  test("gives an alarm that could not be written again", async () => {
    const { sampler, alarms, failures } = rigged(answer("deny"));
    failures.push(new Error("no database"), new Error("still none"));
    sampler.add(sample());
    await sampler.idle();
    expect(alarms).toHaveLength(1);
  });

  test("forgets what waits when it is stopped", async () => {
    const { sampler, asked, counts } = rigged(AGREES);
    for (let i = 0; i < 5; i++) sampler.add(sample());
    await sampler.stop();
    sampler.add(sample());
    expect(asked.length).toBeLessThanOrEqual(1);
    expect((await counts())["dropped"]! + asked.length).toBe(6);
  });
});
