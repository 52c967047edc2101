import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leafHash, sha256, verifyConsistency } from "#verifier";
import { type Caller, openTestSystem, payment, sealedEntries, type TestSystem } from "../system.ts";

/** Proofs that a log only grew, between any two of its sizes, against the definition of RFC 6962 section 2.1.2. */
const LONG = 700;

let system: TestSystem;
let caller: Caller;
let leaves: Uint8Array[];
beforeAll(async () => {
  system = await openTestSystem();
  caller = await system.project();
  const body = Array.from({ length: LONG }, () => payment());
  await caller.call("POST", "/v1/risk/transactions", body);
  await sealedEntries(system, caller.projectId);
  const rows = await system.sql<{ entry: Buffer }>(
    "select entry from ledger.entries where tenant_id = $1 order by index",
    [caller.projectId],
  );
  leaves = rows.slice(0, LONG).map(({ entry }) => leafHash(entry));
});
afterAll(() => system.stop());

const node = (left: Uint8Array, right: Uint8Array) =>
  sha256(Buffer.concat([Buffer.of(1), left, right]));
const split = (n: number) => 2 ** Math.ceil(Math.log2(n) - 1);

/** Written from the definition alone, slow and recursive. */
function rootOf(part: readonly Uint8Array[]): Uint8Array {
  if (part.length === 0) return sha256(new Uint8Array());
  if (part.length === 1) return part[0]!;
  const k = split(part.length);
  return node(rootOf(part.slice(0, k)), rootOf(part.slice(k)));
}

function subproof(m: number, part: readonly Uint8Array[], whole: boolean): Uint8Array[] {
  if (m === part.length) return whole ? [] : [rootOf(part)];
  const k = split(part.length);
  return m <= k
    ? [...subproof(m, part.slice(0, k), whole), rootOf(part.slice(k))]
    : [...subproof(m - k, part.slice(k), false), rootOf(part.slice(0, k))];
}

const base64 = (hash: Uint8Array) => Buffer.from(hash).toString("base64");
const ask = (query: string, by = caller) => by.call("GET", `/v1/ledger/consistency?${query}`);

describe("the proof between two sizes of a log", () => {
  test("is that of the definition, and verifies, whatever the sizes", async () => {
    const sizes = fc.tuple(fc.nat(LONG), fc.nat(LONG)).map((pair) => pair.sort((a, b) => a - b));
    const edges = [0, 1, 2, 255, 256, 257, 511, 512, 513, LONG];
    const examples = edges.flatMap((older) =>
      edges.filter((newer) => newer >= older).map((newer): [number[]] => [[older, newer]]),
    );
    await fc.assert(
      fc.asyncProperty(sizes, async ([older, newer]) => {
        const { body } = await ask(`older_size=${older}&newer_size=${newer}`);
        const wanted = older === 0 ? [] : subproof(older!, leaves.slice(0, newer), true);
        expect(body).toEqual({
          log: `sealbase.test/log/${caller.projectId}`,
          older: { size: older, root: base64(rootOf(leaves.slice(0, older))) },
          newer: { size: newer, root: base64(rootOf(leaves.slice(0, newer))) },
          proof: wanted.map(base64),
        });
        const head = ({ size, root }: { size: number; root: string }) => ({
          size,
          root: new Uint8Array(Buffer.from(root, "base64")),
        });
        const proof = body.proof.map((hash: string) => new Uint8Array(Buffer.from(hash, "base64")));
        const claim = { older: head(body.older), newer: head(body.newer), proof };
        expect(verifyConsistency(claim)).toBe(true);
        if (older === newer || older === 0) return;
        for (const side of ["older", "newer"] as const) {
          const root = claim[side].root.map((byte, i) => (i === 7 ? byte ^ 1 : byte));
          expect(verifyConsistency({ ...claim, [side]: { ...claim[side], root } })).toBe(false);
        }
      }),
      { numRuns: 60 + examples.length, examples: examples as never },
    );
  });

  test("goes to the newest checkpoint unless told, which it agrees with", async () => {
    const { body } = await ask("older_size=10");
    const { body: checkpoint } = await caller.call("GET", "/v1/ledger/checkpoint");
    expect(body.newer).toEqual({ size: checkpoint.size, root: checkpoint.root });
  });

  test.each([
    ["older_size=5&newer_size=4", "action/sizes_reversed"],
    ["older_size=0&newer_size=1000000", "action/size_unpublished"],
    ["older_size=1000000&newer_size=1000001", "action/size_unpublished"],
    ["older_size=9007199254740991", "action/size_unpublished"],
    ["older_size=9007199254740992", "request/invalid"],
    ["older_size=9007199254740993", "request/invalid"],
    ["older_size=1e300", "request/invalid"],
    ["older_size=-1", "request/invalid"],
    ["older_size=1.5", "request/invalid"],
    ["older_size=NaN", "request/invalid"],
    ["newer_size=3", "request/invalid"],
  ])("%s is refused: %s", async (query, code) => {
    expect((await ask(query)).body.code).toBe(code);
  });

  test("is not given for what no checkpoint covers", async () => {
    const own = await system.project();
    await own.call("POST", "/v1/risk/transactions", [payment(), payment(), payment()]);
    await sealedEntries(system, own.projectId);
    await system.sql("delete from ledger.checkpoints where tenant_id = $1 and size > 0", [
      own.projectId,
    ]);
    expect((await ask("older_size=0", own)).body.newer.size).toBe(0);
    expect((await ask("older_size=0&newer_size=1", own)).body).toMatchObject({
      code: "action/size_unpublished",
      facts: { size: 1, published_size: 0 },
    });
  });
});
