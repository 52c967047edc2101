import { afterAll, beforeAll, expect, test } from "vitest";
import { type Ran, Shell, textOf } from "./how-to.ts";
import { Sealbase } from "./sealbase.ts";

let sealbase: Sealbase;
beforeAll(async () => {
  sealbase = await Sealbase.started();
}, 120_000);
afterAll(() => sealbase?.close());

test("the how-to's commands tell why, what if, and whether again", async () => {
  const shell = new Shell(sealbase);
  const commands = [...textOf("why-was-it-denied").matchAll(/^ {4}(npx .*)$/gm)].map(
    ([, command]) => command!,
  );
  expect(commands).toHaveLength(4);
  const [refused, ...rest] = commands;
  const { code, err } = await shell.run(refused!);
  const refusal = JSON.parse(err);
  expect([code, refusal.code, refusal.facts.why]).toEqual([1, "policy/denied", "forbidden"]);
  expect(refusal.facts.clauses).toEqual(["context.amount_cents > 1000000000"]);
  const id = refusal.facts.decision_id;
  const ran: Ran[] = [];
  for (const command of rest) ran.push(await shell.run(command.replace(/ ID$/, ` ${id}`)));
  const [why, whatIf, again] = ran;
  expect([why!.code, why!.out]).toEqual([
    0,
    expect.stringContaining("when context.amount_cents > 1000000000: true"),
  ]);
  expect([whatIf!.code, whatIf!.out]).toEqual([0, expect.stringContaining("allow")]);
  expect([again!.code, again!.out]).toEqual([0, expect.stringMatching(/agrees/)]);
}, 120_000);
