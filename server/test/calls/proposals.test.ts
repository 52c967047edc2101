import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { activatePolicies, leaveProposal, makeDocs, makeSet } from "../policies.ts";
import { type Caller, openTestSystem, payment, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
  system.work();
});
afterAll(() => system.stop());

/** Waits for a job, and gives what it came to. */
async function finished(caller: Caller, id: string) {
  return expect
    .poll(async () => (await caller.call("GET", `/v1/jobs/${id}`)).body, { timeout: 40_000 })
    .toMatchObject({ status: expect.stringMatching(/^(done|given_up)$/) })
    .then(async () => (await caller.call("GET", `/v1/jobs/${id}`)).body);
}

async function propose(caller: Caller, more: object = {}, set = "default") {
  const { status, body } = await caller.call("POST", `/v1/policies/${set}/proposals`, more);
  expect([status, body.topic]).toEqual([202, "authz.propose"]);
  return finished(caller, body.id);
}

async function service(caller: Caller, ...more: string[]): Promise<Caller> {
  const { body: account } = await caller.call("POST", "/v1/service-accounts", {
    name: ["till", ...more].join("-"),
    groups: ["services", ...more],
  });
  const key = { service_account_id: account.id, name: "k" };
  return system.as((await caller.call("POST", "/v1/api-keys", key)).body.key, caller.projectId);
}

const activate = (caller: Caller, set: string, number: number) =>
  caller.call("POST", `/v1/policies/${set}/versions/${number}/activate`, {
    without_preview: "a proposal, replayed",
  });

/** Accepts a proposal, and lets it decide. */
async function accepted(caller: Caller, set: string, proposalId: string) {
  const draft = await caller.call("POST", `/v1/policies/${set}/proposals/${proposalId}/accept`, {});
  const { number } = draft.body;
  const path = `/v1/policies/${set}/versions/${number}`;
  expect((await caller.call("POST", `${path}/validate`, {})).body).toMatchObject({ valid: true });
  expect((await activate(caller, set, number)).status).toBe(200);
}

describe("a proposal of least privilege", () => {
  test("permits what was used, proven to be no more, and is accepted as a draft", async () => {
    const caller = await system.project();
    const till = await service(caller);
    for (const amount_cents of [500, 900])
      expect(
        (await till.call("POST", "/v1/risk/transactions", payment({ amount_cents }))).status,
      ).toBe(201);
    await till.call("GET", "/v1/projects");
    const job = await propose(caller, { ranges: true });
    expect(job).toMatchObject({
      status: "done",
      result: { verdict: "proven", newly_denied: 0, unreadable: 0 },
    });
    expect(job.result.replayed).toBeGreaterThanOrEqual(4);
    const { body } = await caller.call(
      "GET",
      `/v1/policies/default/proposals/${job.result.proposal_id}`,
    );
    expect(body).toMatchObject({ set: "default", base: 1, verdict: "proven", reason: null });
    const [services] = body.evidence.filter(
      ({ policy }: { policy: string }) => policy === "services-may-assess-and-ask",
    );
    expect(services).toMatchObject({
      becomes: ["services-may-assess-and-ask-used"],
      used: [
        {
          action: "risk.transaction.assess",
          resource_type: "Account",
          decisions: 2,
          principals: 1,
        },
      ],
    });
    const { conditions } = body.document.staticPolicies["services-may-assess-and-ask-used"];
    expect(JSON.stringify(conditions)).toMatch(/500.*900/);
    expect(body.text).toContain("context.amount_cents <= 900");
    expect(body.document.staticPolicies["nobody-pays-more-than-ten-million"].effect).toBe("forbid");
    expect(body.smt).toMatch(/^\(set-logic ALL\)[^]*\(check-sat\)\n$/);

    const accepted = await caller.call(
      "POST",
      `/v1/policies/default/proposals/${body.id}/accept`,
      {},
    );
    expect([accepted.status, accepted.body.status, accepted.body.base]).toEqual([201, "draft", 1]);
    const path = `/v1/policies/default/versions/${accepted.body.number}`;
    expect((await caller.call("POST", `${path}/validate`, {})).body.valid).toBe(true);
    const reason = { without_preview: "a proposal, replayed" };
    expect((await caller.call("POST", `${path}/activate`, reason)).status).toBe(200);
    const pay = (amount_cents: number) =>
      till.call("POST", "/v1/risk/transactions", payment({ amount_cents }));
    expect((await pay(700)).status).toBe(201);
    expect((await pay(901)).body.code).toBe("policy/denied");
    expect((await till.call("POST", "/v1/ledger/verify", {})).body.code).toBe("policy/denied");
    // Whoever could change policies still can, though nobody had.
    const again = await caller.call("POST", "/v1/policies/default/versions/1/activate", reason);
    expect(again.status).toBe(200);
  });

  test("is for the group of those who used it, not for all who might have", async () => {
    const caller = await system.project();
    const [one, two, other] = [
      await service(caller, "tills"),
      await service(caller, "night", "tills"),
      await service(caller, "night"),
    ];
    const pay = (of: Caller) => of.call("POST", "/v1/risk/transactions", payment());
    for (const each of [one, two]) expect((await pay(each)).status).toBe(201);
    await other.call("GET", "/v1/projects");
    const job = await propose(caller, { groups: true });
    expect(job).toMatchObject({ status: "done", result: { verdict: "proven", newly_denied: 0 } });
    const path = `/v1/policies/default/proposals/${job.result.proposal_id}`;
    const { body } = await caller.call("GET", path);
    const [services] = body.evidence.filter(
      ({ policy }: { policy: string }) => policy === "services-may-assess-and-ask",
    );
    expect(services.used).toMatchObject([
      {
        action: "risk.transaction.assess",
        principals: 2,
        groups: [{ type: "Group", id: "tills" }],
        parents: null,
      },
    ]);
    await accepted(caller, "default", job.result.proposal_id);
    expect((await pay(two)).status).toBe(201);
    expect((await pay(other)).body.code).toBe("policy/denied");
    // Whoever could change policies still can.
    expect((await activate(caller, "default", 1)).status).toBe(200);
  });

  test("is for what resources were in, as questions told", async () => {
    const caller = await system.project();
    const post = async (path: string, body: object) => (await caller.call("POST", path, body)).body;
    const set = await makeSet(post, {
      name: "pages",
      schema: `entity Folder; entity Page in [Folder];
        action "page.read" appliesTo { principal: [User], resource: [Page] };`,
      text: 'permit (principal, action == Action::"page.read", resource);',
    });
    const ask = (page: string, folder: string) =>
      post("/v1/decisions", {
        set,
        principal: { type: "User", id: "ada", groups: [] },
        action: "page.read",
        resource: { type: "Page", id: page },
        entities: [
          { uid: { type: "Page", id: page }, parents: [{ type: "Folder", id: folder }] },
          { uid: { type: "Folder", id: folder } },
        ],
      });
    for (const [page, folder] of [
      ["1", "news"],
      ["2", "news"],
      ["3", "help"],
    ] as const)
      expect((await ask(page, folder)).outcome).toBe("allow");
    const job = await propose(caller, { parents: true, groups: true }, set);
    expect(job).toMatchObject({ status: "done", result: { verdict: "proven", newly_denied: 0 } });
    const { body } = await caller.call(
      "GET",
      `/v1/policies/pages/proposals/${job.result.proposal_id}`,
    );
    const folders = ["help", "news"].map((id) => ({ type: "Folder", id }));
    expect(body.evidence).toMatchObject([{ used: [{ groups: null, parents: folders }] }]);
    expect(body.text).toContain('resource in [Folder::"help", Folder::"news"]');
    await accepted(caller, set, job.result.proposal_id);
    expect((await ask("9", "news")).outcome).toBe("allow");
    expect((await ask("9", "secret")).outcome).toBe("deny");
  });

  test("is for no group where whoever asks names more than are looked at", async () => {
    const caller = await system.project();
    const post = async (path: string, body: object) => (await caller.call("POST", path, body)).body;
    const set = await makeSet(post, {
      name: "pages",
      schema: `entity Page; entity Note;
        action "page.read" appliesTo { principal: [User], resource: [Page, Note] };`,
      text: 'permit (principal, action == Action::"page.read", resource);',
    });
    const ask = async (count: number, type: string, groups: number, length: number) => {
      const questions = Array.from({ length: count }, (_, i) => ({
        set,
        principal: {
          type: "User",
          id: `${i}`,
          groups: [
            "staff",
            ...Array.from({ length: groups }, (_, j) => `${i} ${j} `.padEnd(length, "x")),
          ],
        },
        action: "page.read",
        resource: { type, id: "any" },
      }));
      for (let at = 0; at < count; at += 50)
        expect(await post("/v1/decisions", questions.slice(at, at + 50))).toMatchObject({
          results: questions.slice(at, at + 50).map(() => ({ status: 201 })),
        });
    };
    const bound = async (type: string) => {
      const job = await propose(caller, { groups: true }, set);
      const path = `/v1/policies/pages/proposals/${job.result.proposal_id}`;
      const { evidence } = (await caller.call("GET", path)).body;
      return evidence[0].used.find((one: { resource_type: string }) => one.resource_type === type)
        .groups;
    };
    const staff = [{ type: "Group", id: "staff" }];
    await ask(20, "Page", 18, 180);
    expect(await bound("Page")).toEqual(staff);
    await ask(300, "Page", 18, 180);
    await ask(20, "Note", 18, 180);
    expect([await bound("Page"), await bound("Note")]).toEqual([null, staff]);
    // One in so many that they alone are no list.
    await ask(1, "Note", 90, 180);
    expect(await bound("Note")).toBeNull();
  });

  test("takes no question for a use", async () => {
    const caller = await system.project();
    const till = await service(caller);
    const { body: asked } = await till.call("POST", "/v1/decisions", {
      principal: { type: "User", id: "nobody", groups: ["admins"] },
      action: "ledger.key.rotate",
      resource: { type: "Log", id: "any" },
    });
    expect(asked.outcome).toBe("allow");
    const job = await propose(caller);
    const { body } = await caller.call(
      "GET",
      `/v1/policies/default/proposals/${job.result.proposal_id}`,
    );
    expect(body.text).toContain("authz.decision.ask");
    expect(body.text).not.toContain("ledger.key.rotate");
  });

  test("is not accepted once other policies are active", async () => {
    const caller = await system.project();
    await caller.call("POST", "/v1/service-accounts", { name: "a" });
    const job = await propose(caller);
    const { body: made } = await caller.call("POST", "/v1/policies/default/versions", {
      text: 'permit(principal in Group::"admins", action, resource);',
    });
    const path = `/v1/policies/default/versions/${made.number}`;
    await caller.call("POST", `${path}/validate`, {});
    await caller.call("POST", `${path}/activate`, { without_preview: "a test" });
    const answer = await caller.call(
      "POST",
      `/v1/policies/default/proposals/${job.result.proposal_id}/accept`,
      {},
    );
    expect([answer.status, answer.body.code]).toEqual([409, "action/base_moved"]);
  });

  test("is of its set: policies about the set hold for it, and no other set has it", async () => {
    const caller = await system.project();
    const id = await leaveProposal(system, caller.projectId);
    await makeDocs(async (path, body) => (await caller.call("POST", path, body)).body);
    const answers = async (set: string) => {
      const path = `/v1/policies/${set}/proposals/${id}`;
      const read = await caller.call("GET", path);
      const accepted = await caller.call("POST", `${path}/accept`, {});
      return [read.body.code ?? read.status, accepted.body.code ?? accepted.status];
    };
    expect(await answers("docs")).toEqual(["action/proposal_missing", "action/proposal_missing"]);
    const { body: active } = await caller.call("GET", "/v1/policies/default");
    const name = "nobody-changes-these";
    active.document.staticPolicies[name] = {
      effect: "forbid",
      principal: { op: "All" },
      action: { op: "in", entity: { type: "Action", id: "authz.policy-proposal" } },
      resource: { op: "==", entity: { type: "PolicySet", id: "default" } },
      conditions: [],
    };
    expect((await activatePolicies(caller, active.document)).status).toBe(200);
    expect(await answers("default")).toEqual(["policy/denied", "policy/denied"]);
  });

  test("is none where nothing was used", async () => {
    const caller = await system.project();
    const job = await propose(caller, {
      since: "2020-01-01T00:00:00Z",
      until: "2020-01-02T00:00:00Z",
    });
    expect(job).toMatchObject({ error: expect.stringMatching(/No decision of this window/) });
    const answer = await caller.call("POST", "/v1/policies/nothing/proposals", {});
    expect([answer.status, answer.body.code]).toEqual([409, "action/nothing_active"]);
  });
});
