import { serverAudits } from "graphql-http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../system.ts";

let system: TestSystem;
let url: string;
beforeAll(async () => {
  system = await openTestSystem();
  url = `${await system.app.listen({ host: "127.0.0.1", port: 0 })}/graphql`;
});
afterAll(() => system.stop());

/** GraphQL over HTTP, as its own working group checks it. */
describe("GraphQL over HTTP", () => {
  /** The audits introspect, which takes a key. */
  const fetchFn = (input: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${system.home.key}`);
    return fetch(input, { ...init, headers });
  };
  const audits = serverAudits({ url: () => url, fetchFn });

  test.each(
    audits
      .filter(({ name }) => !name.startsWith("MAY"))
      .map((audit) => [audit.id, audit.name, audit] as const),
  )("%s %s", async (_id, _name, audit) => {
    expect(await audit.fn()).toMatchObject({ status: "ok" });
  });

  test("of what it may do, it leaves out nothing but what is listed", async () => {
    const results = await Promise.all(
      audits.filter(({ name }) => name.startsWith("MAY")).map((audit) => audit.fn()),
    );
    const left = results
      .filter(({ status }) => status !== "ok")
      .map(({ id, name }) => `${id} ${name}`);
    expect(left).toEqual([]);
  });
});
