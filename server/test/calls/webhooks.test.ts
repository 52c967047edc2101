import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JobFailed } from "#domains/ops";
import { isPrivate } from "../../src/domains/webhooks/address.ts";
import { deliver } from "../../src/domains/webhooks/deliver.ts";
import { activatePolicies } from "../policies.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;

beforeAll(async () => {
  system = await openTestSystem();
  system.work();
});
afterAll(() => system.stop());

interface Heard {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies freely
  readonly body: any;
}

/** A receiver that answers with these statuses in turn, the last of them for ever. */
async function receiver(...statuses: number[]) {
  const heard: Heard[] = [];
  const waiting: (() => void)[] = [];
  let answers = Promise.resolve();
  const server: Server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => (text += chunk));
    request.on("end", async () => {
      await answers;
      heard.push({ headers: request.headers, text, body: JSON.parse(text) });
      response.writeHead(statuses[Math.min(heard.length, statuses.length) - 1]!).end();
      for (const wake of waiting.splice(0)) wake();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    heard,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    async until(count: number): Promise<Heard[]> {
      while (heard.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
      return heard;
    },
    /** Answers nothing until what is given back is called. */
    hold(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      answers = promise;
      return resolve;
    },
    close: () => server.close(),
  };
}

const assess = (caller: Caller, more: object = {}) =>
  caller.call("POST", "/v1/risk/transactions", payment(more));

/** The jobs of a project, once none is waiting or running that is due. */
async function settled(caller: Caller, wanted: (jobs: Job[]) => boolean): Promise<Job[]> {
  for (;;) {
    const { body } = await caller.call("GET", "/v1/jobs?limit=200");
    if (wanted(body.items)) return body.items;
  }
}
interface Job {
  readonly id: string;
  readonly topic: string;
  readonly status: string;
  readonly attempts: number;
  readonly error: string | null;
}
/** The next attempt of what waits is due now. */
const hurry = (caller: Caller) =>
  system.sql("update ops.outbox set due_at = now() where tenant_id = $1 and status = 'waiting'", [
    caller.projectId,
  ]);

describe("a webhook", () => {
  test("is told of each event once, in order, with a signature that the standard library accepts; the outcome is sealed", async () => {
    const caller = await system.project();
    const target = await receiver(200);
    const made = await caller.call("POST", "/v1/webhooks", {
      url: target.url,
      channels: ["entries"],
    });
    expect([made.status, made.body.secret]).toEqual([201, expect.stringMatching(/^whsec_/)]);
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push((await assess(caller)).body.id);
    const heard = await target.until(6);
    expect(heard.slice(1).map(({ body }) => body.data.id)).toEqual(ids);
    for (const { headers, text } of heard) {
      const verified = new Webhook(made.body.secret).verify(
        text,
        headers as Record<string, string>,
      );
      expect(verified).toMatchObject({ type: "sealbase.entries" });
    }
    const jobs = await settled(caller, (all) => all.every(({ status }) => status === "done"));
    expect(jobs).toHaveLength(6);
    const { body: log } = await caller.call("POST", "/v1/ledger/verify", {});
    expect([log.valid, log.findings]).toEqual([true, []]);
    const entries = await sealedEntries(system, caller.projectId);
    const outcomes = entries.filter(({ kind }) => kind === "job");
    expect(outcomes.map(({ action, outcome }) => [action, outcome])).toEqual(
      jobs.map(() => ["webhook.deliver", "done"]),
    );
    target.close();
  });

  test("is tried again when it fails, then given up, told to whoever watches, and done at a retry", async () => {
    const caller = await system.project();
    const target = await receiver(500, 503, 500, 200);
    await caller.call("POST", "/v1/webhooks", { url: target.url, channels: ["scores"] });
    await assess(caller);
    const [job] = await settled(
      caller,
      ([first]) => first?.attempts === 1 && first.status === "waiting",
    );
    expect(job).toMatchObject({ topic: "webhook.deliver", error: "the address answered 500" });
    await system.sql("update ops.outbox set attempts_max = 3 where id = $1", [job!.id]);
    for (const attempts of [2, 3]) {
      await hurry(caller);
      await settled(
        caller,
        ([first]) => first!.attempts === attempts && first!.status !== "running",
      );
    }
    const given = await caller.call("GET", `/v1/jobs/${job!.id}`);
    expect([given.body.status, given.body.error]).toEqual(["given_up", "the address answered 500"]);
    const again = await caller.call("POST", `/v1/jobs/${job!.id}/retry`, {});
    expect(again.body.status).toBe("waiting");
    await settled(caller, ([first]) => first!.status === "done");
    expect(new Set(target.heard.map(({ headers }) => headers["webhook-id"]))).toEqual(
      new Set([job!.id]),
    );
    const entries = await sealedEntries(system, caller.projectId);
    const outcomes = entries.filter(({ kind }) => kind === "job").map(({ outcome }) => outcome);
    expect(outcomes).toEqual(["failed", "done"]);
    target.close();
  });

  test.each<[string, number, (caller: Caller, path: string) => Promise<unknown>]>([
    ["is gone", 410, () => Promise.resolve()],
    [
      "was disabled",
      500,
      (caller, path) => caller.call("PATCH", path, { enabled: false }).then(() => hurry(caller)),
    ],
  ])("that %s keeps its deliveries until it is enabled again", async (_, status, disable) => {
    const caller = await system.project();
    const target = await receiver(status, 200);
    const made = await caller.call("POST", "/v1/webhooks", {
      url: target.url,
      channels: ["entries", "scores"],
    });
    const path = `/v1/webhooks/${made.body.id}`;
    // A webhook that is disabled is given nothing more: there has to be a second delivery before the first is answered.
    const answer = target.hold();
    await assess(caller);
    await settled(caller, (jobs) => jobs.length > 1);
    answer();
    await target.until(1);
    await disable(caller, path);
    const held = await settled(caller, (jobs) =>
      jobs.some(({ error }) => error === "the webhook is disabled"),
    );
    const [job] = held.filter(({ error }) => error === "the webhook is disabled");
    expect([job!.status, job!.attempts]).toEqual(["waiting", status === 410 ? 0 : 1]);
    const { body } = await caller.call("GET", path);
    expect([body.enabled, target.heard.length]).toEqual([false, 1]);
    await caller.call("PATCH", path, { enabled: true });
    const done = await settled(caller, (jobs) => jobs.every((one) => one.status === "done"));
    expect(done.length).toBeGreaterThanOrEqual(held.length);
    target.close();
  });

  test("that is enabled while a delivery finds it disabled has it delivered now, not later", async () => {
    const caller = await system.project();
    const url = "http://127.0.0.1:9/hook";
    const { body: made } = await caller.call("POST", "/v1/webhooks", { url, channels: ["scores"] });
    const path = `/v1/webhooks/${made.id}`;
    await caller.call("PATCH", path, { enabled: false });
    const { db, clock } = system.parts;
    const handler = deliver({ db, clock, masterKey: new Uint8Array(32), allowPrivate: true });
    const { projectId: tenantId } = caller;
    const failure: JobFailed = await handler({
      id: made.id,
      tenantId,
      payload: { webhook_id: made.id, body: "{}" },
      attempt: 1,
      signal: new AbortController().signal,
      progress() {},
    }).then(
      () => Promise.reject(new Error("it was delivered")),
      (error) => error,
    );
    const due = () => db.transaction({ role: "writer", tenantId }, (tx) => failure.due!(tx));
    expect(await due()).toBe(600_000);
    await caller.call("PATCH", path, { enabled: true });
    expect(await due()).toBe(0);
  });

  test("that was deleted while it was disabled has its deliveries given up", async () => {
    const caller = await system.project();
    const target = await receiver(500);
    const made = await caller.call("POST", "/v1/webhooks", {
      url: target.url,
      channels: ["scores"],
    });
    const path = `/v1/webhooks/${made.body.id}`;
    await assess(caller);
    await target.until(1);
    await caller.call("PATCH", path, { enabled: false });
    await hurry(caller);
    await settled(caller, ([first]) => first!.error === "the webhook is disabled");
    await caller.call("DELETE", path);
    const [job] = await settled(
      caller,
      ([first]) => first!.error !== "the webhook is disabled" && first!.status !== "running",
    );
    expect([job!.status, job!.error]).toEqual(["given_up", "the webhook was deleted"]);
    target.close();
  });

  test("does not begin beyond the end of the log", async () => {
    const caller = await system.project();
    const body = { url: "http://127.0.0.1:9/", channels: ["scores"] };
    const after = "999999999999999.0";
    const created = await caller.call("POST", "/v1/webhooks", { ...body, after });
    expect([created.status, created.body.code]).toEqual([409, "action/offset_ahead"]);
    const made = await caller.call("POST", "/v1/webhooks", body);
    const path = `/v1/webhooks/${made.body.id}`;
    const replayed = await caller.call("POST", `${path}/replay`, { after });
    expect([replayed.status, replayed.body.code]).toEqual([409, "action/offset_ahead"]);
    // Not beyond the end, wherever the end is by now.
    expect(Number.parseFloat((await caller.call("GET", path)).body.position)).toBeLessThan(100);
  });

  test("hears again of what it is sent again, and both secrets sign for a while", async () => {
    const caller = await system.project();
    const target = await receiver(200);
    const made = await caller.call("POST", "/v1/webhooks", {
      url: target.url,
      channels: ["scores"],
    });
    const { body } = await assess(caller);
    await target.until(1);
    const path = `/v1/webhooks/${made.body.id}`;
    const rotated = await caller.call("POST", `${path}/rotate`, {});
    await caller.call("POST", `${path}/replay`, { after: "0.0" });
    const [first, again] = await target.until(2);
    expect([first!.body.data.id, again!.body.data.id]).toEqual([body.id, body.id]);
    for (const secret of [made.body.secret, rotated.body.secret])
      expect(() =>
        new Webhook(secret).verify(again!.text, again!.headers as Record<string, string>),
      ).not.toThrow();
    expect(() =>
      new Webhook(rotated.body.secret).verify(
        first!.text,
        first!.headers as Record<string, string>,
      ),
    ).toThrow();
    const kept = await system.sql<{ payload: string }>(
      "select payload from ledger.payloads where payload like '%whsec_%'",
    );
    expect(kept).toEqual([]);
    target.close();
  });

  test("hears only of what its maker may read", async () => {
    const caller = await system.project();
    const target = await receiver(200);
    const account = await caller.call("POST", "/v1/service-accounts", {
      name: "s",
      groups: ["hooks"],
    });
    const key = await caller.call("POST", "/v1/api-keys", {
      service_account_id: account.body.id,
      name: "k",
    });
    const { body: policies } = await caller.call("GET", "/v1/policies/default");
    const document = structuredClone(policies.document);
    document.staticPolicies["hooks"] = {
      effect: "permit",
      principal: { op: "in", entity: { type: "Group", id: "hooks" } },
      action: {
        op: "in",
        entities: ["webhooks", "telemetry.chain.why"].map((id) => ({ type: "Action", id })),
      },
      resource: { op: "All" },
      conditions: [],
    };
    await activatePolicies(caller, document);
    const made = await system.as(key.body.key).call("POST", "/v1/webhooks", {
      url: target.url,
      channels: ["entries", "scores", "decisions"],
    });
    expect(made.status).toBe(201);
    const { body } = await assess(caller);
    const [heard] = await target.until(1);
    const path = `/v1/webhooks/${made.body.id}`;
    let told = "";
    while (Number.parseFloat(told) < 6)
      ({ position: told } = (await caller.call("GET", path)).body);
    expect([heard!.body.type, heard!.body.data.id, target.heard.length]).toEqual([
      "sealbase.scores",
      body.id,
      1,
    ]);
    target.close();
  });
});

test.each<[string, boolean]>([
  ["127.0.0.1", true],
  ["10.1.2.3", true],
  ["169.254.169.254", true],
  ["192.168.1.1", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["fd00::1", true],
  ["fe80::1", true],
  ["fec0::1", true],
  ["3fff::1", true],
  ["5f00::1", true],
  ["::ffff:0:127.0.0.1", true],
  ["not an address", true],
  ["1.1.1.1", false],
  ["2606:4700::1111", false],
])("%s is inside of somebody's network: %s", (address, wanted) =>
  expect(isPrivate(address)).toBe(wanted),
);
