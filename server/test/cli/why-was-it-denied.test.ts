import { afterAll, beforeAll, expect, test } from "vitest";
import { HowTo, type Ran } from "./how-to.ts";

let howTo: HowTo;
beforeAll(async () => {
  howTo = await HowTo.open("why-was-it-denied.md");
}, 120_000);
afterAll(() => howTo?.sealbase.close());

test("the how-to's commands tell why, what if, and whether again", async () => {
  const commands = [...howTo.text.matchAll(/^ {4}(npx .*)$/gm)].map(([, command]) => command!);
  expect(commands).toHaveLength(4);
  const [refused, ...rest] = commands;
  const { code, err } = await howTo.run(refused!);
  const refusal = JSON.parse(err);
  expect([code, refusal.code, refusal.facts.why]).toEqual([1, "policy/denied", "forbidden"]);
  expect(refusal.facts.clauses).toEqual(["context.amount_cents > 1000000000"]);
  const id = refusal.facts.decision_id;
  const ran: Ran[] = [];
  for (const command of rest) ran.push(await howTo.run(command.replace(/ ID$/, ` ${id}`)));
  const [why, whatIf, again] = ran;
  expect([why!.code, why!.out]).toEqual([
    0,
    expect.stringContaining("when context.amount_cents > 1000000000: true"),
  ]);
  expect([whatIf!.code, whatIf!.out]).toEqual([0, expect.stringContaining("allow")]);
  expect([again!.code, again!.out]).toEqual([0, expect.stringMatching(/agrees/)]);
}, 120_000);
