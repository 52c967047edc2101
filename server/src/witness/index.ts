import type { FastifyInstance } from "fastify";
import type { Log as Logger } from "#kernel/log.ts";
import { openWitnessHttp } from "./http.ts";
import { openKey } from "./key.ts";
import { readLogs } from "./logs.ts";
import { listenBusy } from "./refusals.ts";
import { Store } from "./store.ts";
import { Witness } from "./witness.ts";

const STOP_MS = 1_000;

/** The door of the witness: a process of its own that cosigns other servers' logs, and shares nothing with them. */
export interface OpenWitness {
  /** What readers check its cosignatures with. */
  readonly vkey: string;
  readonly app: FastifyInstance;
  /** How many logs it signs for. */
  readonly logs: () => number;
  /** Reads the list of logs again; a list that is wrong changes nothing and is refused. */
  reload(): void;
  stop(): Promise<void>;
}

export interface WitnessSettings {
  readonly name: string;
  readonly dataDir: string;
  readonly logsFile: string;
  readonly host: string;
  readonly port: number;
}

export async function openWitness(settings: WitnessSettings, log: Logger): Promise<OpenWitness> {
  const { name, dataDir, logsFile, host, port } = settings;
  let logs = readLogs(logsFile);
  const store = await Store.open(dataDir);
  const signer = await openKey(dataDir, name).catch(async (error) => {
    await store.close();
    throw error;
  });
  const witness = new Witness({ store, signer, log, logOf: (origin) => logs.get(origin) });
  const app = openWitnessHttp({ witness, store, vkey: signer.vkey, log });
  const stop = async () => {
    // A connection that never asked anything is neither idle nor ended by a timeout once the server closes.
    const end = setTimeout(() => app.server.closeAllConnections(), STOP_MS);
    await app.close();
    clearTimeout(end);
    await store.close();
  };
  try {
    await app.listen({ host, port });
  } catch (error) {
    await stop();
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") throw listenBusy(host, port);
    throw error;
  }
  return {
    vkey: signer.vkey,
    app,
    logs: () => logs.size,
    reload() {
      logs = readLogs(logsFile);
    },
    stop,
  };
}
