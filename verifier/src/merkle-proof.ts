import { foldRight } from "./merkle.ts";

/** A complete subtree: entries `index · 2^level` to `(index + 1) · 2^level`, the end excluded. */
export type NodePlace = { level: number; index: number };

/** Where hashes come from: rows, tiles, memory. It is asked for complete subtrees of the tree only. */
export type HashAt = (level: number, index: number) => Uint8Array | Promise<Uint8Array>;

/** The nodes that each hash of the inclusion proof folds, leaf's sibling first (RFC 6962 section 2.1.1). */
export function inclusionPlan(index: number, size: number): NodePlace[][] {
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`A log of ${size} entries has no entry ${index}.`);
  }
  const plan: NodePlace[][] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + largestPowerBelow(end - start);
    plan.unshift(index < middle ? rangePlan(middle, end) : rangePlan(start, middle));
    if (index < middle) end = middle;
    else start = middle;
  }
  return plan;
}

/** The nodes that each hash of the consistency proof folds (RFC 6962 section 2.1.2). */
export function consistencyPlan(older: number, newer: number): NodePlace[][] {
  if (!Number.isSafeInteger(newer) || !Number.isSafeInteger(older) || older < 0 || older > newer) {
    throw new RangeError(`A log cannot grow from ${older} to ${newer} entries.`);
  }
  const plan: NodePlace[][] = [];
  if (older === 0 || older === newer) return plan;
  let [start, end] = [0, newer];
  while (end !== older) {
    const middle = start + largestPowerBelow(end - start);
    plan.unshift(older <= middle ? rangePlan(middle, end) : rangePlan(start, middle));
    if (older <= middle) end = middle;
    else start = middle;
  }
  // The older tree's own last subtree: its reader knows it already when it is the whole older tree.
  if (start > 0) plan.unshift(rangePlan(start, end));
  return plan;
}

export async function inclusionProof(
  index: number,
  size: number,
  hashAt: HashAt,
): Promise<Uint8Array[]> {
  return resolve(inclusionPlan(index, size), hashAt);
}

export async function consistencyProof(
  older: number,
  newer: number,
  hashAt: HashAt,
): Promise<Uint8Array[]> {
  return resolve(consistencyPlan(older, newer), hashAt);
}

/** Root of the first `size` entries. */
export async function rootAt(size: number, hashAt: HashAt): Promise<Uint8Array> {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is no log size.`);
  const [root] = await resolve([rangePlan(0, size)], hashAt);
  return root as Uint8Array;
}

/** All nodes are asked for at once, so that a source may batch them. */
function resolve(plan: NodePlace[][], hashAt: HashAt): Promise<Uint8Array[]> {
  return Promise.all(
    plan.map(async (nodes) =>
      foldRight(await Promise.all(nodes.map(async ({ level, index }) => hashAt(level, index)))),
    ),
  );
}

/** The complete subtrees that cover a range, largest first. Its start is a multiple of the first one. */
export function rangePlan(start: number, end: number): NodePlace[] {
  const nodes: NodePlace[] = [];
  for (let at = start; at < end; ) {
    let level = 0;
    while (at + 2 ** (level + 1) <= end) level++;
    nodes.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return nodes;
}

/** Largest power of two that is smaller than `count` (at least 2). */
function largestPowerBelow(count: number): number {
  let power = 1;
  while (power * 2 < count) power *= 2;
  return power;
}
