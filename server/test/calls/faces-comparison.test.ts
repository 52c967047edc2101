import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operations } from "../../src/main.ts";
import { caseOf, cases } from "../faces/cases.ts";
import { sdk } from "../faces/client.ts";
import { differences } from "../faces/compare.ts";
import { notCovered } from "../faces/coverage.ts";
import { type Examined, examine, type Ground, openGround } from "../faces/examine.ts";
import type { Answer, Face } from "../faces/face.ts";
import { withPlaceholders } from "../faces/placeholders.ts";
import { rest } from "../faces/rest.ts";
import { openTestSystem, type TestSystem } from "../system.ts";

// What compares the faces, seen red: faces that are broken on purpose.
const named = (name: string) => operations.find((operation) => operation.name === name)!;
const assess = named("risk.transaction.assess");
const retry = named("ops.job.retry");

let system: TestSystem;
let ground: Ground;
let honest: Face;
const wanted = new Map<string, Examined>();
const look = (face: Face, operation = assess) =>
  examine(ground, face, operation, caseOf(operation.name)!);

beforeAll(async () => {
  system = await openTestSystem();
  const url = await system.app.listen({ host: "127.0.0.1", port: 0 });
  ground = await openGround(system);
  honest = sdk(url);
  for (const operation of [assess, retry])
    wanted.set(operation.name, await look(rest(url), operation));
});
afterAll(() => system?.stop());

const found = async (face: Face, operation = assess) =>
  differences(wanted.get(operation.name), await look(face, operation));

type Call = Face["call"];
/** The honest face, but for what it does with an answer. */
const but = (change: (answer: Answer, ...given: Parameters<Call>) => Answer | Promise<Answer>) => ({
  ...honest,
  call: async (...given: Parameters<Call>) => change(await honest.call(...given), ...given),
});

const withOutput = (answer: Answer, more: object): Answer =>
  "output" in answer ? { ...answer, output: { ...(answer.output as object), ...more } } : answer;

interface Broken {
  readonly what: string;
  readonly face: () => Face;
  /** Beginnings of the lines that say so. */
  readonly told: readonly string[];
}

const BROKEN: readonly Broken[] = [
  {
    what: "changes a field of the output",
    face: () => but((answer) => withOutput(answer, { level: "HIGH" })),
    told: ['done.output.level: "HIGH" instead of "LOW"'],
  },
  {
    what: "leaves a field out",
    face: () => but((answer) => withOutput(answer, { reasons: undefined })),
    told: ["done.output.reasons: nothing"],
  },
  {
    what: "adds a field",
    face: () => but((answer) => withOutput(answer, { more: 1 })),
    told: ["done.output.more: 1 instead of nothing"],
  },
  {
    what: "names another entry than its own",
    face: () => but((answer) => ({ ...answer, callId: ground.elsewhere.projectId })),
    told: ["done.toldRight", "denied.toldRight", "unauthenticated.toldRight", "invalid.toldRight"],
  },
  {
    what: "has a code of its own",
    face: () =>
      but((answer) =>
        "code" in answer && answer.code === "policy/denied"
          ? { ...answer, code: "policy/forbidden" }
          : answer,
      ),
    told: ['denied.code: "policy/forbidden" instead of "policy/denied"'],
  },
  {
    what: "lets in who has no key",
    face: () => ({
      ...honest,
      call: (operation, input, from, requestId) =>
        honest.call(operation, input, from.key ? from : ground.elsewhere.admin, requestId),
    }),
    told: [
      "unauthenticated.code: nothing",
      "unauthenticated.decisions.0",
      "unauthenticated.entries.0",
      "unauthenticated.output",
    ],
  },
  {
    what: "answers without a call, so that nothing is decided or sealed",
    face: () => {
      const { done } = wanted.get(assess.name)!;
      return {
        ...honest,
        call: async (operation, input, from, requestId) =>
          from.key === undefined || from === ground.stranger || input["origin_account"] === ""
            ? honest.call(operation, input, from, requestId)
            : { output: done.output, callId: undefined },
      };
    },
    told: ["done.decisions.0: nothing", "done.entries.0: nothing", "done.toldRight: false"],
  },
  {
    what: "makes the call twice",
    face: () => but((answer, ...given) => ("output" in answer ? honest.call(...given) : answer)),
    told: ["done.decisions.1", "done.entries.1"],
  },
  {
    what: "makes another call than it was asked for",
    face: () => ({
      ...honest,
      async call(operation, input, from, requestId) {
        const asked = await honest.call(operation, input, from, `${requestId}-hidden`);
        await honest.call(named("ledger.audit.start"), {}, from, requestId);
        return { ...asked, callId: undefined };
      },
    }),
    told: [
      "done.decisions.0.operation",
      "done.decisions.0.action",
      "done.decisions.0.resource",
      "done.entries.0.action",
      "done.toldRight: false",
      "denied.decisions.0.operation",
      "denied.decisions.0.action",
      "denied.decisions.0.resource",
      "denied.entries.0.action",
      "invalid.decisions.0",
      "invalid.entries.0",
    ],
  },
];

describe("a face that", () => {
  test("does as REST does differs in nothing", async () => {
    expect(await found(honest)).toEqual([]);
    expect(await found(honest, retry)).toEqual([]);
  });

  for (const { what, face, told } of BROKEN)
    test(what, async () => {
      const lines = await found(face());
      expect(lines.map((line, at) => line.slice(0, told[at]?.length))).toEqual(told);
    });

  test("says that something is missing in its own words", async () => {
    const own = but((answer) =>
      "code" in answer && answer.code.endsWith("_missing")
        ? { ...answer, code: "request/not_found" }
        : answer,
    );
    expect(await found(own, retry)).toEqual([
      'missing.code: "request/not_found" instead of "action/job_missing"',
    ]);
  });
});

const ID = "0199aaaa-0000-7000-8000-00000000000";
describe("placeholders", () => {
  test.each<[string, unknown, unknown]>([
    [
      "ids by where they come first",
      [`${ID}1`, `${ID}2`, `${ID}1`],
      ["<id 1>", "<id 2>", "<id 1>"],
    ],
    ["also inside of texts", `entry ${ID}1.`, "entry <id 1>."],
    [
      "in an order that does not depend on that of names",
      { b: `${ID}2`, a: `${ID}1` },
      { a: "<id 1>", b: "<id 2>" },
    ],
    ["the caller by any of its names", [`User:${ID}1`, `Agent:${ID}2`], ["<caller>", "<caller>"]],
    [
      "times",
      ["2026-11-21T12:00:00.000Z", "2100-01-01T00:00:00.000Z"],
      ["<time>", "2100-01-01T00:00:00.000Z"],
    ],
    ["keys", "sk_abc_d-E_f", "<key 1>"],
    ["hashes", ["a".repeat(64), "a".repeat(39)], ["<digest 1>", "a".repeat(39)]],
    [
      "nothing else",
      { n: 1, none: null, text: "LOW", list: [true] },
      { n: 1, none: null, text: "LOW", list: [true] },
    ],
  ])("replace %s", (_, value, replaced) =>
    expect(withPlaceholders(value, [`User:${ID}1`, `Agent:${ID}2`])).toEqual(replaced),
  );
});

describe("what is not covered is listed", () => {
  const faces = [{ name: "A" }, { name: "B", kinds: ["stream"] }] as unknown as Face[];
  const all = new Set(
    operations
      .map(({ name }) => `${name} on A`)
      .concat(
        "feed.event.watch on B",
        "ledger.entry.export on B",
        "authz.policy-version.preview on B",
      ),
  );
  const bare = { operation: retry.name, prepare: () => ({}) };

  test.each<[string, readonly string[], readonly string[]]>([
    ["nothing", notCovered(operations, cases, faces, all), []],
    [
      "an operation on a face",
      notCovered([assess], [caseOf(assess.name)!], faces, new Set()),
      ["risk.transaction.assess on A"],
    ],
    [
      "an operation without a case",
      notCovered([assess], [], faces, all),
      ["risk.transaction.assess: no case"],
    ],
    [
      "a case of no operation",
      notCovered([], [caseOf(assess.name)!], faces, all),
      ["risk.transaction.assess: there is no such operation"],
    ],
    [
      "a case that leaves refusals out",
      notCovered([retry], [bare], faces, all),
      ["ops.job.retry: no input that does not fit", "ops.job.retry: no id of nothing"],
    ],
  ])("%s", (_, lines, wanted) => expect(lines).toEqual(wanted));
});
