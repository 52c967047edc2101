import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { activatePolicies, makeSet } from "../policies.ts";
import { type Caller, openTestSystem, type TestSystem } from "../system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const FILES = {
  name: "files",
  schema: `entity Folder in [Folder] = { team?: Group };
    entity File in [Folder] = { owner: User, size?: Long };
    action "open" appliesTo { principal: [User, ServiceAccount], resource: [File] };
    action "weigh" appliesTo { principal: [User], resource: [File] };`,
  text: `permit (principal, action == Action::"open", resource in Folder::"public");
    permit (principal in Group::"viewer", action == Action::"open", resource in Folder::"team");
    permit (principal, action in [Action::"open", Action::"weigh"], resource is File)
      when { resource.owner == principal };`,
};

async function project(): Promise<Caller> {
  const caller = await system.project();
  await makeSet(
    (path, body) => caller.call("POST", path, body).then((answer) => answer.body),
    FILES,
  );
  return caller;
}

const set = async (caller: Caller, type: string, external_id: string, more: object = {}) => {
  const answer = await caller.call("POST", "/v1/resources", { type, external_id, ...more });
  return answer;
};
const owner = (id: string) => ({ owner: { __entity: { type: "User", id } } });
const inFolder = (id: string) => ({ parent: { type: "Folder", id } });
const ask = (caller: Caller, more: object = {}) =>
  caller.call("POST", "/v1/decisions", {
    principal: { type: "User", id: "ada" },
    action: "open",
    resource: { type: "File", id: "f" },
    set: "files",
    stored: true,
    ...more,
  });

describe("a question about what is kept", () => {
  test("reads attributes and everything that the resource is in", async () => {
    const caller = await project();
    await set(caller, "Folder", "public");
    await set(caller, "Folder", "below", inFolder("public"));
    await set(caller, "File", "f", { ...inFolder("below"), attributes: owner("bob") });
    expect((await ask(caller)).body).toMatchObject({ outcome: "allow", reasons: ["policy0"] });
    await set(caller, "File", "f", { attributes: owner("bob") });
    expect((await ask(caller)).body.outcome).toBe("deny");
    await set(caller, "File", "f", { attributes: owner("ada") });
    expect((await ask(caller)).body).toMatchObject({ outcome: "allow", reasons: ["policy2"] });
  });

  test("replays by what was kept then", async () => {
    const caller = await project();
    await set(caller, "File", "f", { attributes: owner("ada") });
    const asked = (await ask(caller)).body;
    await set(caller, "File", "f", { attributes: owner("bob") });
    const { body } = await caller.call("POST", `/v1/decisions/${asked.id}/replay`, {});
    expect(body.agrees).toBe(true);
    expect((await ask(caller)).body.outcome).toBe("deny");
  });

  test("knows the groups of service accounts and the roles of people", async () => {
    const caller = await project();
    await set(caller, "Folder", "team");
    await set(caller, "File", "f", { ...inFolder("team"), attributes: owner("bob") });
    const account = await caller.call("POST", "/v1/service-accounts", {
      name: "reader",
      groups: ["viewer"],
    });
    const service = { type: "ServiceAccount", id: account.body.id };
    expect((await ask(caller, { principal: service })).body.outcome).toBe("allow");
    const user = randomUUID();
    const member = { principal: { type: "User", id: user } };
    expect((await ask(caller, member)).body.outcome).toBe("deny");
    await system.sql("insert into control_plane.users (id, display_name) values ($1, 'U')", [user]);
    await system.sql(
      "insert into control_plane.memberships (tenant_id, user_id, role) values ($1, $2, 'viewer')",
      [caller.projectId, user],
    );
    expect((await ask(caller, member)).body.outcome).toBe("allow");
    const bound = { principal: { type: "User", id: "bound" } };
    const bind = (more: string) =>
      system.sql(
        `insert into control_plane.role_bindings (tenant_id, id, principal_type, principal_id, role, created_by, expires_at)
         values ($1, gen_random_uuid(), 'user', 'bound', 'viewer', 't', ${more})`,
        [caller.projectId],
      );
    await bind("now() - interval '1 hour'");
    expect((await ask(caller, bound)).body.outcome).toBe("deny");
    await system.sql(
      "update control_plane.role_bindings set expires_at = null where tenant_id = $1",
      [caller.projectId],
    );
    expect((await ask(caller, bound)).body.outcome).toBe("allow");
  });

  test("about a set that does not exist is refused like any when it is none", async () => {
    const caller = await project();
    const one = { uid: { type: "File", id: "f" } };
    const answer = await ask(caller, { set: "nowhere", entities: [one, one] });
    expect(answer.body).toMatchObject({
      code: "action/malformed_question",
      facts: { at: "entities[1]" },
    });
  });

  test("believes nobody who keeps people and groups as resources", async () => {
    const caller = await project();
    for (const type of ["Group", "User", "ServiceAccount", "AgentSession", "Action", "A::Action"]) {
      const answer = await set(caller, type, "viewer");
      expect(answer.body).toMatchObject({
        code: "action/resource_type_reserved",
        facts: { type },
      });
    }
  });

  test("believes no resource of such a type, however it came there", async () => {
    const caller = await project();
    await set(caller, "Folder", "team");
    await set(caller, "File", "f", { ...inFolder("team"), attributes: owner("bob") });
    await system.sql(
      `with up as (
         insert into control_plane.resources (tenant_id, id, type, external_id, name)
         values ($1, gen_random_uuid(), 'Group', 'viewer', 'g') returning id)
       insert into control_plane.resources (tenant_id, id, type, external_id, name, parent_id)
       select $1, gen_random_uuid(), 'User', 'ada', 'u', id from up`,
      [caller.projectId],
    );
    expect((await ask(caller)).body.outcome).toBe("deny");
  });

  test("believes first what it is told", async () => {
    const caller = await project();
    await set(caller, "File", "f", { attributes: owner("bob") });
    const entities = [{ uid: { type: "File", id: "f" }, attrs: owner("ada") }];
    expect((await ask(caller, { entities })).body.outcome).toBe("allow");
  });

  test("is refused where it is not as the schema says, or nothing is known", async () => {
    const caller = await project();
    expect((await ask(caller)).body).toMatchObject({
      code: "action/malformed_question",
      facts: { at: "resource" },
    });
    await set(caller, "File", "f", { attributes: { ...owner("ada"), size: "big" } });
    expect((await ask(caller)).body).toMatchObject({
      code: "action/malformed_question",
      facts: { at: 'entities File::"f" attrs.size' },
    });
  });

  test("many at once that cost much stop nobody else", async () => {
    const caller = await system.project();
    const both = (depth: number): string =>
      depth === 0
        ? "context.a.containsAny(context.b)"
        : `(${both(depth - 1)} || ${both(depth - 1)})`;
    const slow = {
      name: "slow",
      schema: `entity File; action "open" appliesTo
        { principal: [User], resource: [File], context: { a: Set<Long>, b: Set<Long> } };`,
      text: `permit (principal, action == Action::"open", resource) when { ${both(10)} };`,
    };
    const post = (path: string, body: object) =>
      caller.call("POST", path, body).then((answer) => answer.body);
    await makeSet(post, slow);
    const context = {
      a: Array.from({ length: 300 }, (_, i) => i),
      b: Array.from({ length: 300 }, (_, i) => -1 - i),
    };
    const one = { principal: { type: "User", id: "ada" }, action: "open", set: "slow", context };
    const began_ms = performance.now();
    let [last_ms, longest_ms] = [began_ms, 0];
    const look = setInterval(() => {
      longest_ms = Math.max(longest_ms, performance.now() - last_ms);
      last_ms = performance.now();
    }, 1);
    const many = Array(200).fill({ ...one, resource: { type: "File", id: "f" } });
    const answer = await caller.call("POST", "/v1/decisions", many);
    clearInterval(look);
    expect(answer.body.results.map((each: { status: number }) => each.status)).toEqual(
      Array(200).fill(201),
    );
    expect(longest_ms).toBeLessThan((performance.now() - began_ms) / 4);
  });

  test("sees nothing of another project", async () => {
    const [caller, other] = [await project(), await project()];
    await set(other, "File", "f", { attributes: owner("ada") });
    expect((await ask(caller)).body.code).toBe("action/malformed_question");
  });

  test("a thousand at once are answered each by its own", async () => {
    const caller = await project();
    const count = 40;
    const files = Array.from({ length: count }, (_, i) => ({
      type: "File",
      external_id: `f${i}`,
      attributes: owner(i % 2 === 0 ? "ada" : "bob"),
    }));
    const made = await caller.call("POST", "/v1/resources", files);
    expect(made.body.results.every(({ ok }: { ok: boolean }) => ok)).toBe(true);
    const asked = files.map(({ external_id: id }) => ({
      principal: { type: "User", id: "ada" },
      action: "weigh",
      resource: { type: "File", id },
      set: "files",
      stored: true,
    }));
    const { body } = await caller.call("POST", "/v1/decisions", asked);
    const outcomes = body.results.map(
      ({ output }: { output: { outcome: string } }) => output.outcome,
    );
    expect(outcomes).toEqual(files.map((_, i) => (i % 2 === 0 ? "allow" : "deny")));
  });
});

describe("why a question was denied", () => {
  /** Somebody who may ask, and read nothing. */
  async function asker(caller: Caller): Promise<Caller> {
    const { document } = (await caller.call("GET", "/v1/policies/default")).body;
    document.staticPolicies.askers = {
      effect: "permit",
      principal: { op: "in", entity: { type: "Group", id: "askers" } },
      action: { op: "==", entity: { type: "Action", id: "authz.decision.ask" } },
      resource: { op: "All" },
      conditions: [],
    };
    expect((await activatePolicies(caller, document)).status).toBe(200);
    const name = { name: "asker", groups: ["askers"] };
    const { body: account } = await caller.call("POST", "/v1/service-accounts", name);
    const key = { service_account_id: account.id, name: "k" };
    const made = await caller.call("POST", "/v1/api-keys", key);
    return system.as(made.body.key, caller.projectId);
  }

  test("is told of what is kept only to who may read it", async () => {
    const caller = await project();
    const stranger = await asker(caller);
    await set(caller, "File", "f", { attributes: owner("bob") });
    const [full, masked] = [(await ask(caller)).body, (await ask(stranger)).body];
    expect([full.outcome, masked.outcome]).toEqual(["deny", "deny"]);
    const bob = JSON.stringify(owner("bob").owner);
    const nearest = full.why.nearest.find(({ policy }: { policy: string }) => policy === "policy2");
    expect(nearest).toMatchObject({
      fails: ["resource.owner == principal"],
      reads: { "resource.owner": bob },
    });
    expect(masked.why.why).toBe("not_told");
    expect([full.trace_hash, masked.trace_hash]).toEqual([expect.any(String), null]);
    // Allowed by a policy about its owner: that it was this one would tell who that is.
    await set(caller, "File", "f", { attributes: owner("ada") });
    expect((await ask(caller)).body).toMatchObject({ outcome: "allow", reasons: ["policy2"] });
    expect((await ask(stranger)).body).toMatchObject({ outcome: "allow", reasons: [] });
    expect(JSON.stringify(masked)).not.toMatch(/bob|owner/);
    const why = await stranger.call("GET", `/v1/decisions/${masked.id}/why`);
    expect(why.body.code).toBe("policy/denied");
  });

  test("tells nothing of what is kept where that does not fit", async () => {
    const caller = await project();
    await set(caller, "Folder", "public");
    await set(caller, "Folder", "takeover", inFolder("public"));
    await set(caller, "File", "f", { ...inFolder("takeover"), attributes: owner("bob") });
    const ring = { uid: { type: "Folder", id: "public" }, parents: [{ type: "File", id: "f" }] };
    const stranger = await asker(caller);
    const told = await ask(stranger, { entities: [ring] });
    expect(told.body).toMatchObject({ code: "action/malformed_question", facts: { at: "stored" } });
    await set(caller, "Folder", "takeover", { ...inFolder("public"), attributes: { price: 1 } });
    const misfit = await ask(stranger);
    expect(misfit.body).toMatchObject({
      code: "action/malformed_question",
      facts: { at: "stored" },
    });
    expect(told.text + misfit.text).not.toMatch(/takeover|price/);
    expect((await ask(caller)).body.facts.at).toBe('entities Folder::"takeover" attrs.price');
    // What is wrong without it is told as ever.
    const own = await ask(stranger, { context: { hour: 1 } });
    expect(own.body.facts).toEqual({ at: "context.hour" });
  });

  test("names to a caller no groups but their own", async () => {
    const caller = await project();
    const stranger = await asker(caller);
    const { body } = await stranger.call("GET", "/v1/projects");
    expect(body.code).toBe("policy/denied");
    expect(body.facts.nearest.map(({ fails }: { fails: string[] }) => fails)).toContainEqual([
      'principal in Group::"…"',
    ]);
    expect(JSON.stringify(body)).not.toMatch(/Group::\\"(?!…)/);
  });
});

describe("the tree of resources", () => {
  test("has no rings, no strangers, and no more steps than policies allow", async () => {
    const caller = await project();
    expect((await set(caller, "Folder", "a", inFolder("nobody"))).body.code).toBe(
      "action/parent_missing",
    );
    await set(caller, "Folder", "a");
    await set(caller, "Folder", "b", inFolder("a"));
    expect((await set(caller, "Folder", "a", inFolder("b"))).body.code).toBe(
      "action/resource_ring",
    );
    expect((await set(caller, "Folder", "a", inFolder("a"))).body.code).toBe(
      "action/resource_ring",
    );
    for (let i = 0; i < 64; i++)
      expect(
        (await set(caller, "Folder", `d${i}`, i === 0 ? {} : inFolder(`d${i - 1}`))).status,
      ).toBe(200);
    expect((await set(caller, "Folder", "d64", inFolder("d63"))).status).toBe(200);
    expect((await set(caller, "Folder", "d65", inFolder("d64"))).body.code).toBe("action/too_deep");
    // With what is below it, it would be too deep.
    expect((await set(caller, "Folder", "a", inFolder("d63"))).body.code).toBe("action/too_deep");
    expect((await set(caller, "Folder", "b", inFolder("d63"))).status).toBe(200);
  });

  test("moves made at once make no ring", async () => {
    const caller = await project();
    for (const id of ["x", "y"]) await set(caller, "Folder", id);
    const codes = await Promise.all([
      set(caller, "Folder", "x", inFolder("y")),
      set(caller, "Folder", "y", inFolder("x")),
    ]);
    expect(codes.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test("keeps its inner nodes until they are empty", async () => {
    const caller = await project();
    const up = (await set(caller, "Folder", "up")).body;
    const low = (await set(caller, "Folder", "low", inFolder("up"))).body;
    const remove = (id: string) => caller.call("DELETE", `/v1/resources/${id}`);
    expect((await remove(up.id)).body.code).toBe("action/has_members");
    expect((await remove(low.id)).body).toMatchObject({ parent: { type: "Folder", id: "up" } });
    expect((await remove(up.id)).status).toBe(200);
    expect((await caller.call("GET", `/v1/resources/${up.id}`)).body.code).toBe(
      "action/resource_missing",
    );
  });
});
