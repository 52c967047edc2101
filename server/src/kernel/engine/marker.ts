import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Fact } from "#kernel/refusal.ts";
import { isTemporaryName, type Owner, readIfThere, syncDirectory, writeWhole } from "./files.ts";
import { isLockName } from "./lock.ts";
import { foreignDirectory, notWritable, versionMismatch } from "./refusals.ts";

/** `sealbase.json`: says that a directory is ours, and is the first thing written into it. */
export type Marker = {
  readonly format: number;
  readonly pgMajor: number;
  readonly createdAt: string;
  /** False while the cluster is being made. Once true, a cluster that is not there is lost, not yet to be made. */
  readonly initialised: boolean;
  /**
   * Where the cluster is when it could not be in the directory itself: root started us, and the user whom PostgreSQL
   * runs as may not enter the directory (/root is closed, say). See `place.ts`.
   */
  readonly cluster?: string;
};

export const FORMAT = 1;
const MARKER_NAME = "sealbase.json";
/** What a fresh file system or the Finder puts into a directory that is empty for everybody else. */
const IGNORED = new Set(["lost+found", ".DS_Store"]);

/** The marker of a directory that is ours; undefined when it is free to become ours; a refusal for every other. */
export async function readMarker(dir: string, pgMajor: number): Promise<Marker | undefined> {
  const found = await lstat(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!found) return undefined;
  if (!found.isDirectory()) throw notWritable(dir, "it is not a directory");
  const text = await readIfThere(join(dir, MARKER_NAME));
  if (text) return checked(dir, text.toString("utf8"), pgMajor);
  const names = (await readdir(dir)).filter((name) => !isLeftover(name));
  if (names.length > 0) throw foreignDirectory(dir, "it holds other files", names.sort());
  return undefined;
}

export async function writeMarker(dir: string, marker: Marker, owner?: Owner): Promise<void> {
  await writeWhole(join(dir, MARKER_NAME), `${JSON.stringify(marker, null, 2)}\n`, 0o644, owner);
  await syncDirectory(dir);
}

export function markerPath(dir: string): string {
  return join(dir, MARKER_NAME);
}

/** A start that died before it wrote the marker leaves its lock or a temporary file, nothing else. */
function isLeftover(name: string): boolean {
  return IGNORED.has(name) || isLockName(name) || isTemporaryName(name);
}

function checked(dir: string, text: string, pgMajor: number): Marker {
  let marker: Record<string, Fact>;
  try {
    marker = JSON.parse(text) as Record<string, Fact>;
  } catch {
    throw foreignDirectory(dir, `its ${MARKER_NAME} cannot be read`, [MARKER_NAME]);
  }
  if (typeof marker["format"] !== "number" || typeof marker["pgMajor"] !== "number") {
    throw foreignDirectory(dir, `its ${MARKER_NAME} is not ours`, [MARKER_NAME]);
  }
  if (marker["format"] > FORMAT) throw versionMismatch(dir, "format", marker["format"], FORMAT);
  if (marker["pgMajor"] !== pgMajor) {
    throw versionMismatch(dir, "PostgreSQL", marker["pgMajor"], pgMajor);
  }
  return marker as unknown as Marker;
}
