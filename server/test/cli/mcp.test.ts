import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sealbase } from "./sealbase.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Anything = any;
const PAYMENT = {
  type: "PAYMENT",
  amount_cents: 100,
  origin_account: "A",
  destination_account: "B",
};

const BIN = join(import.meta.dirname, "../../bin/sealbase.js");

let sealbase: Sealbase;
let url: string;
let key: string;
beforeAll(async () => {
  sealbase = await Sealbase.make();
  const running = sealbase.start(["start"]);
  await running.until(/Up\. Ctrl-C stops\./);
  [, url] = (await running.until(/at (http:\/\/[^,]+),/)) as unknown as [string, string];
  key = readFileSync(join(sealbase.dir, "key"), "utf8").trim();
}, 120_000);
afterAll(() => sealbase.close());

/** A host's client, which starts the command itself. */
async function open(env: Record<string, string>, mode: Anything): Promise<Client> {
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [BIN, "mcp"],
    env: { PATH: process.env["PATH"] ?? "", ...sealbase.env, ...env },
    stderr: "ignore",
  });
  await client.connect(transport);
  return client;
}

const session = async (bounds: object): Promise<string> => {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const body = JSON.stringify({ name: "agent", ...bounds });
  const answer = await fetch(`${url}/v1/agent-sessions`, { method: "POST", headers, body });
  return ((await answer.json()) as { key: string }).key;
};

describe.each(["legacy", { pin: "2026-07-28" }])("sealbase mcp, beside a server, in %o", (mode) => {
  test("with the key of the first start it reads", async () => {
    const client = await open({}, mode);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain("ledger_checkpoint_get");
    expect(tools.map(({ name }) => name)).not.toContain("risk_transaction_assess");
    const name = "risk_transaction_assess";
    const refused: Anything = await client.callTool({ name, arguments: PAYMENT });
    expect(refused.structuredContent.code).toBe("request/agent_session_needed");
    const read: Anything = await client.callTool({ name: "ledger_checkpoint_get", arguments: {} });
    expect(read.structuredContent.size).toBeGreaterThanOrEqual(2_000);
    const { contents } = await client.readResource({ uri: "sealbase://policies/active" });
    expect((contents[0] as Anything).text).toContain("admins-may-do-everything");
    await client.close();
  });

  test("with the key of a session it writes what the session names", async () => {
    const client = await open({ SEALBASE_KEY: await session({ writes: ["risk"] }) }, mode);
    const name = "risk_transaction_assess";
    const done: Anything = await client.callTool({ name, arguments: PAYMENT });
    expect(done.structuredContent.level).toBe("LOW");
    expect(done._meta["sealbase/entry"].size).toBeGreaterThanOrEqual(2_000);
    await client.close();
  });
});

/** The command with an input that stays open, and everything that it says. */
function start(input: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [BIN, "mcp"], {
    env: { PATH: process.env["PATH"] ?? "", ...sealbase.env, ...env },
  });
  const said = { out: "", err: "" };
  child.stdout.on("data", (text) => {
    said.out += text;
  });
  child.stderr.on("data", (text) => {
    said.err += text;
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, ...said }));
  child.stdin.on("error", () => undefined).write(input);
  return { child, said, ended };
}

describe("sealbase mcp", () => {
  const INITIALIZE = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "t", version: "1" },
    },
  });

  test("answers what it cannot take, says nothing else, and ends with its input", async () => {
    const lines = [
      "[".repeat(100_000),
      "x".repeat(2_000_000),
      "no json",
      INITIALIZE,
      JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/destroy" }),
    ];
    const { child, said, ended } = start(`${lines.join("\n")}\n`);
    const answers = () => said.out.trim().split("\n").length;
    await expect.poll(answers, { timeout: 20_000 }).toBe(4);
    child.stdin.end();
    const { code, out } = await ended;
    const codes = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .map(({ error }: Anything) => error?.data?.code ?? error?.code ?? "done");
    expect([code, codes.slice(0, 2), new Set(codes.slice(2))]).toEqual([
      0,
      ["request/mcp_line_too_deep", "request/mcp_line_too_long"],
      new Set(["done", -32601]),
    ]);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("ends at %s", async (signal) => {
    const { child, said, ended } = start(`${INITIALIZE}\n`);
    await expect.poll(() => said.out, { timeout: 20_000 }).toContain('"id":1');
    child.kill(signal);
    expect((await ended).code).toBe(0);
  });

  test("does not begin with a key that is none", async () => {
    const { code, out, err } = await start("", { SEALBASE_KEY: "sk_none" }).ended;
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("request/unauthenticated");
  });
});
