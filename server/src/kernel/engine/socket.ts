import { createHash } from "node:crypto";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { privateDirectory } from "./files.ts";
import type { Place } from "./place.ts";
import { startFailed } from "./refusals.ts";

/** The longest path of a unix socket: sun_path without its closing zero. */
const PATH_BYTES_MAX = process.platform === "darwin" ? 103 : 107;

/**
 * The directory of PostgreSQL's socket, 0700: home/socket, or, where that is longer than a socket's path may be, one
 * below the system's temporary directory whose name follows from home.
 */
export async function socketDirectory({ home, dir, identity }: Place): Promise<string> {
  const near = join(home, "socket");
  const path = fits(near) ? near : far(home);
  if (!(await privateDirectory(path, identity))) {
    throw startFailed(dir, `${path} belongs to somebody else or is open to others`);
  }
  return path;
}

export function socketPath(directory: string, port: number): string {
  return join(directory, `.s.PGSQL.${port}`);
}

/** Whether anyone accepts connections there, whichever process that is. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => done(true)).once("error", () => done(false));
  });
}

function far(home: string): string {
  const name = `sealbase-${createHash("sha256").update(home).digest("hex").slice(0, 16)}`;
  // Root's TMPDIR may be closed to the user whom PostgreSQL runs as; /tmp is open everywhere.
  const own = join(tmpdir(), name);
  return process.getuid?.() !== 0 && fits(own) ? own : join("/tmp", name);
}

function fits(directory: string): boolean {
  return Buffer.byteLength(socketPath(directory, 65535)) <= PATH_BYTES_MAX;
}
