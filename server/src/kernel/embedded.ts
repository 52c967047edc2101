import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { findBinaries } from "./engine/binaries.ts";
import { privateDirectory } from "./engine/files.ts";
import { ADMIN, DATABASE, initialise, readPassword } from "./engine/initialise.ts";
import { type Lock, lockHolder, takeLock } from "./engine/lock.ts";
import { pruneLogs } from "./engine/logs.ts";
import { abandonPlace, hasCluster, openPlace, type Place } from "./engine/place.ts";
import * as postmaster from "./engine/postmaster.ts";
import { directoryInUse, portBusy, refusalFromErrno, startFailed } from "./engine/refusals.ts";
import { writeSettings } from "./engine/settings.ts";
import { socketDirectory } from "./engine/socket.ts";
import { supervise } from "./engine/supervisor.ts";
import { placeTls, readTls, type Tls } from "./engine/tls.ts";

/**
 * PostgreSQL as a part of this program: started on a private socket in a directory, supervised, stopped with us.
 *
 *     nobody owns dir    we become the owner: initialise if empty, adopt the server that a killed owner
 *                        left running, or start one (which recovers by itself if it was killed too)
 *     an owner lives     refuse, or with `join` use their server as a guest
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const dir = resolve(options.dir);
  try {
    return await start(dir, options);
  } catch (error) {
    throw refusalFromErrno(dir, error);
  }
}

export type EmbeddedOptions = {
  readonly dir: string;
  /** Listen on the network too. Without `tls` only on this machine's own addresses. */
  readonly tcp?: { readonly port: number; readonly host: string; readonly tls?: Tls };
  /** PostgreSQL's settings, over ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** What the engine does unasked: adopting, restarting. One line each. */
  readonly log?: (line: string) => void;
  /** Be the guest of a living owner instead of refusing. */
  readonly join?: boolean;
};

export type Embedded = AsyncDisposable & {
  readonly admin: Admin;
  /** We are a guest: the server is not ours, and stop() leaves it alone. */
  readonly joined: boolean;
  /** We took over the running server of an owner that was killed. */
  readonly adopted: boolean;
  /** PostgreSQL had been cut off and recovered from its log. */
  readonly recovered: boolean;
  /** Of the postmaster, now: a restart by the supervisor changes it. */
  readonly pid: number;
  stop(): Promise<void>;
};

/** For a client on this machine: `host` is the directory of the socket. */
export type Admin = {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
};

const PORT_DEFAULT = 5432;
const JOIN_POLL_MS = 20;
const GREET_LIMIT_MS = 10_000;

async function start(dir: string, options: EmbeddedOptions): Promise<Embedded> {
  const tls = options.tcp && (await readTls(options.tcp.host, options.tcp.tls));
  const binaries = await findBinaries();
  for (;;) {
    const place = await openPlace(dir, binaries);
    const lock = await takeLock(place.home).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return undefined; // a first start beside us failed and took its directory away
    });
    if (!lock) continue;
    if ("release" in lock) {
      try {
        return await own(place, lock, options, tls);
      } catch (error) {
        await abandonPlace(place, lock);
        throw error;
      }
    }
    if (!options.join) throw directoryInUse(dir, lock.pid);
    const guest = await beGuest(place);
    if (guest) return guest;
  }
}

async function own(
  place: Place,
  lock: Lock,
  { tcp, settings = {}, log = () => undefined }: EmbeddedOptions,
  tls: Tls | undefined,
): Promise<Embedded> {
  const orphan = await postmaster.findRunning(place);
  if (!orphan && tcp) await checkPort(tcp.host, tcp.port);
  if (!(await hasCluster(place))) await initialise(place, settings["fsync"] !== "off");
  const password = await readPassword(place);
  const port = tcp?.port ?? PORT_DEFAULT;
  const host = await socketDirectory(place);
  await privateDirectory(join(place.home, "log"), place.identity);
  if (tls) await placeTls(place, tls);
  const listening = { socketDirectory: host, port, tcp: tcp && { host: tcp.host, tls } };
  const changed = await writeSettings(place, listening, settings);

  let server = orphan && (await postmaster.adopt(orphan));
  if (server && !(await postmaster.untilReady(place.pg, server.pid, server.gone)))
    server = undefined;
  if (server && changed) {
    log(`PostgreSQL (pid ${server.pid}) was left running with other settings: restarting it`);
    await postmaster.shutDown(server);
    server = undefined;
    if (tcp) await checkPort(tcp.host, tcp.port);
  }
  if (server)
    log(`PostgreSQL (pid ${server.pid}) was left running by an owner that is gone: adopted`);
  const adopted = server !== undefined;
  const recovered = !adopted && (await postmaster.wasCutOff(place.pg));
  server ??= await postmaster.launch(place);

  const admin: Admin = { host, port, user: ADMIN, password, database: DATABASE };
  try {
    await greet(place, admin);
  } catch (error) {
    if (!adopted) await postmaster.shutDown(server);
    throw error;
  }
  const supervised = supervise(server, () => postmaster.launch(place), log);
  const logs = pruneLogs(place.home);
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= stopOnce());
  return {
    admin,
    joined: false,
    adopted,
    recovered,
    stop,
    get pid() {
      return supervised.pid;
    },
    [Symbol.asyncDispose]: stop,
  };

  async function stopOnce(): Promise<void> {
    logs.stop();
    await supervised.stop();
    await lock.release();
  }
}

/** Waits for the owner's server; undefined when the owner went away instead, and the directory is free. */
async function beGuest(place: Place): Promise<Embedded | undefined> {
  const until_ms = performance.now() + GREET_LIMIT_MS;
  while (await lockHolder(place.home)) {
    const running = await postmaster.findRunning(place);
    if (running?.status === "ready") {
      const { pid, port, socketDirectory: host } = running;
      const password = await readPassword(place);
      const admin: Admin = { host, port, user: ADMIN, password, database: DATABASE };
      try {
        await greet(place, admin);
      } catch (error) {
        // Its owner may be ending it at this moment: then the lock is free soon, and it is ours to start.
        if (performance.now() > until_ms) throw error;
        await sleep(JOIN_POLL_MS);
        continue;
      }
      const stop = async () => undefined;
      const state = { joined: true, adopted: false, recovered: false };
      return { admin, ...state, pid, stop, [Symbol.asyncDispose]: stop };
    }
    await sleep(JOIN_POLL_MS);
  }
  return undefined;
}

/** A running process proves little: the server has to let us in, and be the one of this cluster. */
async function greet({ dir, pg: expected }: Place, admin: Admin): Promise<void> {
  const client = new pg.Client({ ...admin, connectionTimeoutMillis: GREET_LIMIT_MS });
  client.on("error", () => undefined); // after the answer; before it, the query fails
  try {
    await client.connect();
    const { rows } = await client.query<{ at: string }>(
      "SELECT current_setting('data_directory') AS at",
    );
    if (rows[0]?.at !== expected) throw new Error(`another server answers, of ${rows[0]?.at}`);
  } catch (error) {
    throw startFailed(dir, (error as Error).message);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Before anything is made or started, so that nothing has to be taken back. */
function checkPort(host: string, port: number): Promise<void> {
  return new Promise((free, busy) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") busy(portBusy(host, port));
      else free(); // PostgreSQL says it better
    });
    probe.listen({ port, host: host === "*" ? "::" : host, exclusive: true }, () => {
      probe.close(() => free());
    });
  });
}
