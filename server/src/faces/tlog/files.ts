import type { Operation } from "#pipeline";
import { parseTilePath, type Tile } from "#verifier";

/** A file of a log, and the operation that has what is in it. */
export interface LogFile {
  readonly operation: Operation;
  /** What the operation is asked by who has a key. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly type: string;
  /** None: the checkpoint, the only file that changes. */
  readonly tile: Tile | undefined;
  /** What the operation's output holds of the file. */
  bytes(output: unknown): Buffer;
}

export interface Read {
  /** Name of the log. */
  readonly log: string;
  readonly width: number;
  readonly checkpoint: string;
  readonly hashes: string;
  readonly entries: string;
}

/** Finds the file of a path below a log's name (c2sp.org/tlog-tiles); undefined: no log has it. */
export function logFiles(operations: readonly Operation[]): (path: string) => LogFile | undefined {
  const [checkpoint, tiles, bundles] = [
    "ledger.checkpoint.get",
    "ledger.tile.get",
    "ledger.bundle.get",
  ].map((name) => operations.find((operation) => operation.name === name));
  // Without the ledger's operations there are no logs.
  if (checkpoint === undefined || tiles === undefined || bundles === undefined)
    return () => undefined;
  return (path) => {
    if (path === "checkpoint")
      return {
        operation: checkpoint,
        input: {},
        type: "text/plain; charset=utf-8",
        tile: undefined,
        bytes: (output) => Buffer.from((output as Read).checkpoint),
      };
    const tile = parseTilePath(path);
    if (tile === undefined) return undefined;
    const { level, index, width } = tile;
    const [operation, field, place] =
      level === "entries"
        ? ([bundles, "entries", { index }] as const)
        : ([tiles, "hashes", { level, index }] as const);
    return {
      operation,
      input: { ...place, width },
      type: "application/octet-stream",
      tile,
      bytes: (output) => Buffer.from((output as Read)[field], "base64"),
    };
  };
}
