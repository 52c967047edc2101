import {
  CompactRange,
  cosigner,
  type Entry,
  ed25519Signer,
  encodeEntry,
  encodeEntryBundle,
  formatReceipt,
  type HashAt,
  inclusionProof,
  leafHash,
  payloadHash,
  type Signer,
  signCheckpoint,
  TileTree,
  tilePath,
  utf8,
} from "../src/index.ts";

export const LOG = ed25519Signer("log.example/orders", new Uint8Array(32).fill(1));
export const OTHER_LOG = ed25519Signer("log.example/refunds", new Uint8Array(32).fill(2));
export const WITNESS = cosigner(
  "witness.example/w1",
  new Uint8Array(32).fill(3),
  () => 1_795_000_000,
);
export const STRANGER = cosigner(
  "witness.example/w2",
  new Uint8Array(32).fill(4),
  () => 1_795_000_001,
);

export function sampleEntry(index: number): Entry {
  return {
    v: 2,
    log: "log.example/orders",
    time: `2026-11-20T08:00:00.${String(index % 1_000).padStart(3, "0")}Z`,
    kind: "ledger.transfer",
    actor: `user:${index}`,
    action: "ledger.transfer.post",
    outcome: "allowed",
    refs: { transfer: `t-${index}`, decision: `d-${index}` },
    payload_hash: payloadHash(new Uint8Array(32).fill(index), `{"amount":${index}}`),
  };
}

/** A log in memory: every node that appending completed. */
export function logOf(leaves: readonly Uint8Array[]): { range: CompactRange; hashAt: HashAt } {
  const nodes = new Map<string, Uint8Array>();
  const range = new CompactRange();
  for (const leaf of leaves) {
    range.append(leafHash(leaf), (level, index, hash) => nodes.set(`${level}/${index}`, hash));
  }
  return {
    range,
    hashAt(level, index) {
      const hash = nodes.get(`${level}/${index}`);
      if (hash === undefined) throw new Error(`Node ${level}/${index} is not complete.`);
      return hash;
    },
  };
}

/** All files of a log of samples (c2sp.org/tlog-tiles), by path. */
export async function logFiles(
  size: number,
  signers: readonly Signer[] = [LOG],
): Promise<Map<string, Uint8Array>> {
  const leaves = sampleLeaves(size);
  const files = new Map<string, Uint8Array>();
  const tree = new TileTree();
  for (const leaf of leaves) tree.append(leafHash(leaf));
  for (const { level, index, hashes } of [...tree.takeFull(), ...tree.partial()]) {
    const width = hashes.length / 32;
    files.set(tilePath({ level, index, width }), hashes);
    if (level > 0) continue;
    const bundle = encodeEntryBundle(leaves.slice(index * 256, index * 256 + width));
    files.set(tilePath({ level: "entries", index, width }), bundle);
  }
  const head = { origin: LOG.name, size, root: tree.root() };
  return files.set("checkpoint", utf8(await signCheckpoint(head, signers)));
}

export async function sampleCheckpoint(
  size: number,
  signers: readonly Signer[] = [LOG],
): Promise<string> {
  const { range } = logOf(sampleLeaves(size));
  return signCheckpoint({ origin: LOG.name, size, root: range.root() }, signers);
}

export async function sampleReceipt(
  { index, size }: { index: number; size: number },
  signers = [LOG],
): Promise<string> {
  const leaves = sampleLeaves(size);
  const { hashAt } = logOf(leaves);
  return formatReceipt({
    index,
    proof: await inclusionProof(index, size, hashAt),
    entry: leaves[index] as Uint8Array,
    checkpoint: await sampleCheckpoint(size, signers),
  });
}

export function sampleLeaves(size: number): Uint8Array[] {
  return Array.from({ length: size }, (_, i) => utf8(encodeEntry(sampleEntry(i))));
}
