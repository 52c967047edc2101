import { payment } from "../system.ts";
import { importOf, legacyFiles } from "../vault.ts";
import { assess, type Case, idOf, missing, NOTHING, noId, noItems, tooLong } from "./case.ts";
import type { World } from "./world.ts";

const seal = ({ ask }: World, payload = {}) =>
  ask("POST", "/v1/vault/entries", { session_id: "s1", payload });

/** What takes the first 256 entries out of the database. */
async function archiveOf({ ask }: World) {
  await ask(
    "POST",
    "/v1/risk/transactions",
    Array.from({ length: 256 }, () => payment()),
  );
  const { older } = await ask("GET", "/v1/ledger/consistency?older_size=256");
  return { past: 256, root: older.root, manifest_hash: "0".repeat(64) };
}

/** Archives the first 256 entries, and gives them as files would have them. */
async function archived(world: World) {
  const commit = await archiveOf(world);
  const { entries } = await world.ask("GET", "/v1/ledger/archives/entries?from=0&limit=256");
  await world.ask("POST", "/v1/ledger/archives", commit);
  return entries;
}

export const ledgerCases: readonly Case[] = [
  {
    operation: "ledger.checkpoint.get",
    async prepare(world) {
      await assess(world);
      return {};
    },
  },
  {
    operation: "ledger.entry.list",
    async prepare(world) {
      await assess(world);
      await assess(world);
      return { limit: 1, action: "risk", outcome: "done", order: "oldest" };
    },
    bad: noItems,
  },
  {
    operation: "ledger.entry.export",
    async prepare(world) {
      await assess(world);
      return { action: "risk.transaction" };
    },
    bad: { after: "none" },
  },
  {
    operation: "ledger.entry.get",
    prepare: (world) => idOf(assess(world)),
    bad: noId,
    missing: missing("action/entry_missing"),
  },
  {
    operation: "ledger.receipt.get",
    prepare: (world) => idOf(assess(world)),
    bad: noId,
    missing: missing("action/entry_missing"),
  },
  {
    operation: "ledger.tile.get",
    async prepare(world) {
      await assess(world);
      return { level: 0, index: 0, width: 1 };
    },
    bad: { width: 257 },
    missing: missing("action/tile_missing", { index: 9_007_199_254_740_991 }),
  },
  {
    operation: "ledger.bundle.get",
    async prepare(world) {
      await assess(world);
      return { index: 0, width: 1 };
    },
    bad: { width: 0 },
    missing: missing("action/tile_missing", { index: 9_007_199_254_740_991 }),
  },
  {
    operation: "ledger.consistency.get",
    async prepare(world) {
      await assess(world);
      await assess(world);
      return { older_size: 1, newer_size: 2 };
    },
    bad: { older_size: -1 },
    missing: missing("action/size_unpublished", { older_size: 9_007_199_254_740_991 }),
  },
  {
    operation: "ledger.log.open",
    prepare: () => ({ readers: "entries", reason: "for our auditors" }),
    bad: { reason: tooLong },
  },
  {
    operation: "ledger.log.verify",
    async prepare(world) {
      await assess(world);
      return {};
    },
    bad: { since_size: -1 },
    oneByOne: true,
  },
  {
    operation: "ledger.root-seal.get",
    async prepare(world) {
      await assess(world);
      await world.sealHeads();
      return { size: 1 };
    },
    bad: { size: 0 },
    oneByOne: true,
  },
  {
    operation: "ledger.key.list",
    async prepare(world) {
      await assess(world);
      return {};
    },
  },
  { operation: "ledger.key.rotate", prepare: () => ({}) },
  { operation: "ledger.audit.start", prepare: () => ({}) },
  {
    operation: "ledger.payload.erase",
    async prepare(world) {
      const { id } = await assess(world);
      return { id, reason: "asked for by the person" };
    },
    bad: { reason: tooLong },
    missing: missing("action/entry_missing"),
  },
  {
    operation: "ledger.archive.list",
    async prepare(world) {
      await archived(world);
      return { limit: 1 };
    },
    bad: noItems,
  },
  {
    operation: "ledger.archive.read",
    async prepare(world) {
      await assess(world);
      return { from: 0, limit: 1 };
    },
    bad: { from: -1 },
  },
  {
    operation: "ledger.archive.commit",
    prepare: (world) => archiveOf(world),
    bad: { past: 255 },
    missing: missing("action/size_unpublished", { past: 9_007_199_254_740_736 }),
  },
  {
    operation: "ledger.archive.restore",
    async prepare(world) {
      return { entries: [(await archived(world))[255]] };
    },
    bad: { entries: [] },
    missing: missing("action/nothing_archived", {
      entries: [{ index: 256, id: NOTHING, entry: "{}", salt: null, payload: null }],
    }),
  },
  {
    operation: "vault.verdict.seal",
    prepare: () => ({
      session_id: "s1",
      payload: { verdict: "888_HOLD", lines: [1, 2.5, null, "ü", true], none: null, empty: {} },
      target: "audit",
    }),
    bad: { session_id: "" },
    missing: missing("action/vault_invalid", { payload: { verdict: "MAYBE" } }),
  },
  {
    operation: "vault.verdict.read",
    async prepare(world) {
      await seal(world, { x: 1.5, é: "ü" });
      return { session_id: "s1" };
    },
    bad: { sequence: 0 },
    missing: missing("action/vault_missing", { sequence: 9 }),
  },
  {
    operation: "vault.verdict.list",
    async prepare(world) {
      await seal(world);
      await seal(world);
      return { limit: 1 };
    },
    bad: { cursor: 0 },
  },
  {
    operation: "vault.verdict.query",
    async prepare(world) {
      await seal(world, { verdict: "VOID" });
      return { verdict: "VOID", start_time: "2026-01-01T00:00:00Z", limit: 1 };
    },
    bad: { verdict: "MAYBE" },
    missing: missing("action/vault_invalid", { end_time: "2025-01-01T00:00:00Z" }),
  },
  {
    operation: "vault.verdict.proof",
    async prepare(world) {
      await seal(world);
      await seal(world);
      return { sequence: 2 };
    },
    bad: { sequence: 0 },
    missing: missing("action/vault_missing", { sequence: 9 }),
  },
  {
    operation: "vault.chain.verify",
    async prepare(world) {
      await seal(world);
      return {};
    },
    oneByOne: true,
  },
  {
    operation: "vault.legacy.import",
    prepare: () => importOf(legacyFiles(2)),
    bad: { checksum: "none" },
    missing: missing("action/vault_invalid", { files: [{ name: "1.json", text: "{}" }] }),
  },
];
