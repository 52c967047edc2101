import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { expect } from "vitest";
import type { Caller, TestSystem } from "../system.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export type Anything = any;

/** Revisions of the protocol that differ in how every request is framed. */
export const ERAS = ["2025-11-25", "2026-07-28"] as const;
export type Era = (typeof ERAS)[number];

export async function connect(url: string, key: string, era: Era = "2026-07-28"): Promise<Client> {
  const mode = era === "2025-11-25" ? "legacy" : { pin: era };
  const client = new Client(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: mode as "legacy" } },
  );
  const headers = { authorization: `Bearer ${key}` };
  await client.connect(
    new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
  );
  // From here on the client checks every result against its tool's schema.
  await client.listTools();
  return client;
}

/** The key of an agent session of a project's administrator. */
export async function session(
  system: TestSystem,
  caller: Caller,
  bounds: object,
): Promise<{ readonly id: string; readonly agent: Caller }> {
  const made = await caller.call("POST", "/v1/agent-sessions", { name: "agent", ...bounds });
  expect(made.status).toBe(201);
  return { id: made.body.id, agent: system.as(made.body.key, caller.projectId) };
}

export const namesOf = async (client: Client): Promise<string[]> =>
  (await client.listTools()).tools.map(({ name }) => name);

/** What a model reads: the data between the lines that carry the number of the first one. */
export function insideOf(text: string): Anything {
  const [, nonce] = /^<sealbase-data ([0-9a-f]{32})>$/m.exec(text)!;
  const [, before, inside, after] = new RegExp(
    `^([\\s\\S]*?)<sealbase-data ${nonce}>\\n([\\s\\S]*?)\\n</sealbase-data ${nonce}>([\\s\\S]*)$`,
  ).exec(text)!;
  expect([before!.length > 100, after]).toEqual([true, ""]);
  return JSON.parse(inside!);
}

/** One raw request, as no client of the library would send it. */
export async function post(
  url: string,
  key: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: Anything }> {
  const answer = await fetch(url, {
    method: "POST",
    headers: {
      ...(key === "" ? {} : { authorization: `Bearer ${key}` }),
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: answer.status, headers: answer.headers, body: messageOf(await answer.text()) };
}

/** The message of an answer, which comes as JSON or as one server-sent event. */
export function messageOf(text: string): Anything {
  const [, event] = /^data: (.*)$/m.exec(text) ?? [];
  try {
    return JSON.parse(event ?? text);
  } catch {
    return undefined;
  }
}
