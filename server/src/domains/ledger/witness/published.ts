import type { Tx } from "#kernel/db.ts";
import {
  type Checkpoint,
  readCheckpoints,
  readNewestCheckpoint,
  type Showing,
} from "../queries.ts";
import { readCosignatures, readNewestWitnessed, readWitnessedOf } from "./queries.ts";

/** The newest checkpoint that readers may be shown, with the cosignatures that it has. */
export async function readPublished(
  tx: Tx,
  { waitsForWitnesses }: Showing,
): Promise<Checkpoint | undefined> {
  const newest = await (waitsForWitnesses ? readNewestWitnessed(tx) : readNewestCheckpoint(tx));
  return newest && (await cosigned(tx, [newest]))[0];
}

/** The checkpoint for the receipt of an entry: the newest that has its quorum; else, where readers do not wait for it, the newest. */
export async function readPublishedFor(
  tx: Tx,
  showing: Showing,
  index: number,
): Promise<Checkpoint | undefined> {
  const witnessed = await readPublished(tx, { waitsForWitnesses: true });
  if (witnessed !== undefined && witnessed.size > index) return witnessed;
  const newest = await readPublished(tx, showing);
  return newest !== undefined && newest.size > index ? newest : undefined;
}

/** Checkpoints in order that readers may be shown. */
export async function readPublishedCheckpoints(
  tx: Tx,
  { waitsForWitnesses }: Showing,
  sizes: { above: number; upTo: number },
  limit: number,
): Promise<Checkpoint[]> {
  const all = await readCheckpoints(tx, sizes, limit);
  if (!waitsForWitnesses) return cosigned(tx, all);
  const witnessed = new Set(
    await readWitnessedOf(
      tx,
      all.map(({ size }) => size),
    ),
  );
  return cosigned(
    tx,
    all.filter(({ size }) => witnessed.has(size)),
  );
}

async function cosigned(tx: Tx, checkpoints: readonly Checkpoint[]): Promise<Checkpoint[]> {
  if (checkpoints.length === 0) return [];
  const lines = new Map<number, string>();
  for (const { size, line } of await readCosignatures(
    tx,
    checkpoints.map(({ size }) => size),
  ))
    lines.set(size, `${lines.get(size) ?? ""}${line}`);
  return checkpoints.map((checkpoint) => ({
    ...checkpoint,
    note: `${checkpoint.note}${lines.get(checkpoint.size) ?? ""}`,
  }));
}
