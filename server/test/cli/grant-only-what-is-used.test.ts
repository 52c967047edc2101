import { afterAll, beforeAll, expect, test } from "vitest";
import { follow } from "./how-to.ts";
import { Sealbase } from "./sealbase.ts";

let sealbase: Sealbase;
beforeAll(async () => {
  sealbase = await Sealbase.started();
}, 120_000);
afterAll(() => sealbase.close());

test("the how-to's commands take a proposal from what was used to the version that decides", async () => {
  const server = sealbase.start(["serve"], { SEALBASE_LOG: "info" });
  await server.until(/"msg":"serving"/);
  const isDone = async (operation: string, output: object) => {
    if (operation !== "authz.policy-proposal.start") return;
    const { id } = output as { id: string };
    const job = async () =>
      JSON.parse((await sealbase.run(["call", "ops.job.get", JSON.stringify({ id })])).out).output;
    await expect.poll(job, { timeout: 90_000, interval: 1_000 }).toMatchObject({ status: "done" });
  };
  const told = await follow(sealbase, "grant-only-what-is-used", isDone);
  expect(told["node"]).toEqual([
    { text: expect.stringMatching(/verdict: 'proven',[^]* newly_denied: 0,[^]*text: '/) },
  ]);
  expect(told["authz.policy-proposal.accept"]).toMatchObject([{ number: 2, status: "draft" }]);
  expect(told["authz.policy-version.activate"]).toMatchObject([
    { number: 2, status: "active", preview_id: expect.any(String) },
  ]);
  server.child.kill("SIGTERM");
  await server.ended;
}, 180_000);
