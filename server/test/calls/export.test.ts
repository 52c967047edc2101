import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runCli } from "#faces/cli/cli.ts";
import type { System } from "#faces/system.ts";
import type { Db } from "#kernel/db.ts";
import { openStream } from "#pipeline";
import { utf8, verifyExport } from "#verifier";
import { run as runVerifier } from "../../../verifier/src/cli.ts";
import { operations } from "../../src/main.ts";
import { printed } from "../faces/cli.ts";
import { eventsOf } from "../faces/sse.ts";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

let system: TestSystem;
let caller: Caller;
let key: string;
beforeAll(async () => {
  system = await openTestSystem();
});
afterAll(() => system.stop());

const operation = operations.find(({ name }) => name === "ledger.entry.export")!;

const pay = async (count: number, more: object = {}) => {
  const payments = Array.from({ length: count }, () => payment(more));
  expect((await caller.call("POST", "/v1/risk/transactions", payments)).status).toBe(207);
};
async function logOf(count: number): Promise<void> {
  caller = await system.project();
  await pay(count);
  await sealedEntries(system, caller.projectId);
  key = (await caller.call("GET", "/v1/ledger/checkpoint")).body.keys[0];
}

const exported = async (query = ""): Promise<string[]> => {
  const headers = { accept: "application/x-ndjson" };
  const answer = await caller.call("GET", `/v1/ledger/export?${query}`, undefined, headers);
  expect([answer.status, answer.headers["content-type"]]).toEqual([
    200,
    "application/x-ndjson; charset=utf-8",
  ]);
  expect(answer.text.endsWith("\n")).toBe(true);
  return answer.text.trimEnd().split("\n");
};
/** Checked in small pieces, as a file is read: a character may be cut in two. */
const verified = (lines: readonly string[]) =>
  verifyExport(
    (async function* () {
      const bytes = utf8(`${lines.join("\n")}\n`);
      for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777);
    })(),
    [key],
  );
const offsetOf = (line: string): string => JSON.parse(line).offset;

describe("an export", () => {
  beforeAll(() => logOf(300));

  test("of everything verifies, and says that it is everything", async () => {
    const lines = await exported();
    const { checkpoint } = JSON.parse(lines[0]!);
    expect(lines).toHaveLength(checkpoint.size + 2);
    expect(await verified(lines)).toMatchObject({
      ok: true,
      size: checkpoint.size,
      entries: checkpoint.size,
      payloads: checkpoint.size,
      complete: true,
      filter: {},
    });
  });

  test("of some has those that the list has, in the log's order", async () => {
    await pay(3, { origin_account: "Ä-7" });
    const query = "resource=Account:%C3%84-7&outcome=done";
    const lines = await exported(query);
    const { body } = await caller.call("GET", `/v1/ledger/entries?${query}&order=oldest`);
    const entries = lines.slice(1, -1).map((line) => JSON.parse(line).entry);
    expect(entries.map(({ id, index, entry }) => ({ id, index, entry }))).toEqual(
      body.items.map(({ id, index, entry }: Record<string, unknown>) => ({ id, index, entry })),
    );
    expect(entries).toHaveLength(3);
    expect(await verified(lines)).toMatchObject({
      ok: true,
      entries: 3,
      complete: false,
      filter: { resource: "Account:Ä-7", outcome: "done" },
    });
  });

  test("of nothing is a checkpoint and an end", async () => {
    const lines = await exported("request=none");
    expect(lines).toHaveLength(2);
    expect(await verified(lines)).toMatchObject({ ok: true, entries: 0, complete: false });
  });

  test("goes on after any line, under the checkpoint that it began with", async () => {
    const whole = await exported();
    await pay(2);
    for (const at of [0, 1, 127, 128, 129, whole.length - 2]) {
      const rest = await exported(`after=${offsetOf(whole[at]!)}`);
      expect(rest).toEqual(whole.slice(at + 1));
    }
  });

  test.each([
    ["1.0", "request/invalid"],
    ["-1.0.0", "request/invalid"],
    ["999999.0.0", "action/offset_unknown"],
    ["300.9.10", "action/offset_unknown"],
  ])("after %s is refused", async (after, code) => {
    const headers = { accept: "application/x-ndjson" };
    const path = `/v1/ledger/export?after=${after}`;
    const { text } = await caller.call("GET", path, undefined, headers);
    expect(text.trimEnd().split("\n")).toEqual([expect.stringContaining(`"code":"${code}"`)]);
  });

  test("comes as events, too", async () => {
    const headers = { accept: "text/event-stream" };
    const { text } = await caller.call("GET", "/v1/ledger/export?kind=refusal", undefined, headers);
    expect(eventsOf(text).map(({ event }) => event)).toEqual([undefined, undefined, "end"]);
  });

  test("is refused in a form that it does not have", async () => {
    const { status, body } = await caller.call("GET", "/v1/ledger/export", undefined, {
      accept: "text/csv",
    });
    expect([status, body.facts]).toEqual([
      406,
      { accepted: ["text/event-stream", "application/x-ndjson"] },
    ]);
  });

  const edit = (line: string, change: (item: Record<string, never>) => void): string => {
    const item = JSON.parse(line);
    change(item);
    return JSON.stringify(item);
  };
  // biome-ignore lint/suspicious/noExplicitAny: items are edited freely
  type Lines = any;
  test.each<[string, (lines: string[]) => string[], string, number?]>([
    ["its end is cut off", (l) => l.slice(0, -1), "verify/export-truncated"],
    [
      "it is cut off within a line",
      (l) => [...l.slice(0, 5), l[5]!.slice(0, 90)],
      "verify/export-malformed",
      6,
    ],
    ["an entry is taken out", (l) => l.toSpliced(4, 1), "verify/export-truncated", -1],
    [
      "two entries change places",
      (l) => l.with(4, l[5]!).with(5, l[4]!),
      "verify/export-disordered",
      6,
    ],
    ["an entry comes twice", (l) => l.toSpliced(4, 0, l[4]!), "verify/export-disordered", 6],
    ["there is no checkpoint", (l) => l.slice(1), "verify/export-disordered", 1],
    ["something follows the end", (l) => [...l, l[3]!], "verify/export-disordered", 0],
    ["it begins again", (l) => l.toSpliced(9, 0, l[0]!), "verify/export-disordered", 10],
    [
      "an entry is edited",
      (l) =>
        l.with(
          7,
          edit(l[7]!, (i: Lines) => (i.entry.entry = i.entry.entry.replace("done", "gone"))),
        ),
      "verify/inclusion-wrong",
      8,
    ],
    [
      "an entry gets another place",
      (l) =>
        l.with(
          7,
          edit(l[7]!, (i: Lines) => i.entry.index++),
        ),
      "verify/inclusion-wrong",
      8,
    ],
    [
      "a proof is changed",
      (l) =>
        l.with(
          7,
          edit(l[7]!, (i: Lines) => i.entry.proof.reverse()),
        ),
      "verify/inclusion-wrong",
      8,
    ],
    [
      "a proof is another one's",
      (l) =>
        l.with(
          7,
          edit(l[7]!, (i: Lines) => (i.entry.proof = JSON.parse(l[9]!).entry.proof)),
        ),
      "verify/inclusion-wrong",
      8,
    ],
    [
      "a payload is edited",
      (l) =>
        l.with(
          7,
          edit(l[7]!, (i: Lines) => (i.entry.payload = i.entry.payload.replace("12345", "12346"))),
        ),
      "verify/payload-wrong",
      8,
    ],
    [
      "a salt is taken away",
      (l) =>
        l.with(
          7,
          edit(l[7]!, (i: Lines) => (i.entry.salt = null)),
        ),
      "verify/export-malformed",
      8,
    ],
    [
      "the checkpoint's root is changed",
      (l) =>
        l.with(
          0,
          edit(
            l[0]!,
            (i: Lines) => (i.checkpoint.note = i.checkpoint.note.replace(/\n\d+\n/, "\n77\n")),
          ),
        ),
      "verify/signature-wrong",
      1,
    ],
    [
      "a refusal ended it",
      (l) => l.toSpliced(-1, 1, '{"refusal":{}}'),
      "verify/export-malformed",
      0,
    ],
    ["a line is empty", (l) => l.toSpliced(3, 0, ""), "verify/export-malformed", 4],
  ])("is not believed when %s", async (_, change, code, line) => {
    const lines = change(await exported("action=risk"));
    const answer = await verified(lines);
    expect(answer).toMatchObject({ ok: false, code });
    if (line !== undefined)
      expect((answer as { message: string }).message).toMatch(
        `Line ${line > 0 ? line : lines.length}: `,
      );
  });

  test("is not believed under another log's key", async () => {
    const lines = await exported("kind=refusal");
    const own = key;
    await system.home.call("POST", "/v1/risk/transactions", payment());
    key = (await system.home.call("GET", "/v1/ledger/checkpoint")).body.keys[0];
    expect(await verified(lines)).toMatchObject({ ok: false, code: "verify/signature-missing" });
    key = own;
  });

  test("has entries whose payload was erased", async () => {
    const [, , line] = await exported();
    await system.sql("delete from ledger.payloads where entry_id = $1", [
      JSON.parse(line!).entry.id,
    ]);
    const lines = await exported();
    expect(JSON.parse(lines[2]!).entry).toMatchObject({ salt: null, payload: null });
    const { size } = JSON.parse(lines[0]!).checkpoint;
    expect(await verified(lines)).toMatchObject({ ok: true, complete: true, payloads: size - 1 });
  });
});

describe("a slow reader", () => {
  beforeAll(() => logOf(600));

  /** The system's parts with transactions counted: each is a page in memory, and a snapshot that PostgreSQL keeps. */
  function counting() {
    const told = { begun: 0, running: 0, runningMax: 0 };
    const { db } = system.parts;
    const counted: Db = {
      ...db,
      async transaction(scope, work, signal) {
        told.begun++;
        told.runningMax = Math.max(told.runningMax, ++told.running);
        try {
          return await db.transaction(scope, work, signal);
        } finally {
          told.running--;
        }
      },
    };
    return { told, parts: { ...system.parts, db: counted } };
  }

  test("holds one page, and no transaction between two", async () => {
    const { told, parts } = counting();
    const { signal } = new AbortController();
    const { items } = await openStream(parts, operation, {
      credential: caller.key,
      input: {},
      signal,
    });
    const before = told.begun;
    let taken = 0;
    for await (const _ of items) {
      taken++;
      // The checkpoint, and a page for 128 entries that were taken.
      expect(told.begun - before).toBeLessThanOrEqual(1 + Math.ceil((taken - 1) / 128));
      expect(told.running).toBe(0);
    }
    expect(taken).toBeGreaterThanOrEqual(602);
    expect(told.runningMax).toBe(1);
  });

  test("whose key is revoked gets no other page", async () => {
    const { body: me } = await caller.call("GET", "/v1/me");
    const made = await caller.call("POST", "/v1/api-keys", {
      service_account_id: me.id ?? me.principal?.id,
      name: "short",
    });
    expect(made.status).toBe(201);
    const { signal } = new AbortController();
    const incoming = { credential: made.body.key, input: {}, signal };
    const { items } = await openStream(system.parts, operation, incoming);
    const iterator = items[Symbol.asyncIterator]();
    for (let i = 0; i < 5; i++) expect((await iterator.next()).done).toBe(false);
    await caller.call("DELETE", `/v1/api-keys/${made.body.id}`);
    const rest = async () => {
      let more = 0;
      while ((await iterator.next()).done !== true) more++;
      return more;
    };
    await expect(rest()).rejects.toMatchObject({ code: "request/unauthenticated" });
  });

  test("who leaves ends what is read for it", async () => {
    const leaving = new AbortController();
    const { parts, told } = counting();
    const incoming = { credential: caller.key, input: {}, signal: leaving.signal };
    const { items } = await openStream(parts, operation, incoming);
    const iterator = items[Symbol.asyncIterator]();
    await iterator.next();
    const reason = new Error("left");
    leaving.abort(reason);
    await expect(iterator.next()).rejects.toBe(reason);
    expect(told.running).toBe(0);
  });
});

describe("in files", () => {
  let dir: string;
  beforeAll(() => logOf(140));
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "sealbase-export-"));
    return () => rmSync(dir, { recursive: true });
  });

  const cli = (...words: string[]) => {
    const own = {
      parts: system.parts,
      operations,
      stop: async () => undefined,
    } as unknown as System;
    const program = { openSystem: async () => own, operations: async () => operations };
    return printed(() => runCli([...words, "--key", caller.key], program));
  };
  const check = (text: string) => {
    const file = join(dir, "export.ndjson");
    writeFileSync(file, text);
    return printed(() => runVerifier([file, "--key", key]));
  };

  test("the command line writes what sealbase-verify checks", async () => {
    const all = await cli("ledger", "export");
    expect([all.code, all.error]).toEqual([0, ""]);
    const answer = await check(all.out);
    expect(answer.code).toBe(0);
    expect(JSON.parse(answer.out)).toMatchObject({ what: "export", complete: true });
    const some = await cli(
      "ledger",
      "export",
      "--action",
      "risk",
      "--since",
      "2000-01-01T00:00:00Z",
    );
    expect(JSON.parse((await check(some.out)).out)).toMatchObject({ ok: true, entries: 140 });
  });

  test("what broke off is refused, and whole again once the rest was added", async () => {
    const { out } = await cli("ledger", "export");
    const kept = out.split("\n").slice(0, 50);
    const cut = `${kept.join("\n")}\n`;
    expect([(await check(cut)).code, (await check(out.slice(0, -40))).code]).toEqual([1, 1]);
    const rest = await cli("ledger", "export", "--after", offsetOf(kept.at(-1)!));
    expect((await check(cut + rest.out)).code).toBe(0);
  });

  test("words that it does not take are told", async () => {
    expect((await cli("ledger", "export", "FILE")).code).toBe(2);
    expect((await cli("ledger", "mirror")).code).toBe(2);
    expect((await cli("ledger", "export", "--kind", "none")).code).toBe(1);
  });
});

test("a stream of any operation can be had as lines", async () => {
  await logOf(2);
  const headers = { accept: "application/x-ndjson" };
  const { text } = await caller.call(
    "GET",
    "/v1/realtime?after=0.0&events_max=2&channels=entries",
    undefined,
    headers,
  );
  const items = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).channel);
  expect(items.filter((channel) => channel !== "head")).toEqual(["entries", "entries"]);
});
