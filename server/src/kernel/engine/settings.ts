import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Owner, writeIfDifferent } from "./files.ts";
import type { Place } from "./place.ts";
import type { Tls } from "./tls.ts";

/** What PostgreSQL is told. Both files are ours: written at each start, an edit in them does not last. */
export type Listening = {
  readonly socketDirectory: string;
  readonly port: number;
  readonly tcp: { readonly host: string; readonly tls: Tls | undefined } | undefined;
};

export const LOG_FILES_MAX = 10;
const LOG_FILE_MB_MAX = 10;

const DEFAULTS = {
  max_connections: "50",
  shared_buffers: "64MB",
  wal_compression: "on",
  // Queue tables are emptied all the time; what is dead in them is swept before the queue has to wade through it.
  autovacuum_naptime: "5s",
  max_wal_size: "512MB",
  fsync: "on",
  synchronous_commit: "on",
  password_encryption: "scram-sha-256",
  shared_preload_libraries: "",
  timezone: "UTC",
  log_timezone: "UTC",
  datestyle: "iso, mdy",
  default_text_search_config: "pg_catalog.english",
  cluster_name: "sealbase",
  logging_collector: "on",
  log_filename: "postgres-%Y%m%d-%H%M%S.log",
  log_rotation_size: `${LOG_FILE_MB_MAX}MB`,
  log_rotation_age: "1d",
  log_line_prefix: "%m [%p] %q%u@%d ",
} as const;

/** True when the running server, if there is one, was started with something else. */
export async function writeSettings(
  place: Place,
  listening: Listening,
  overrides: Readonly<Record<string, string>>,
): Promise<boolean> {
  const write = (name: string, text: string, owner: Owner | undefined) =>
    writeIfDifferent(join(place.pg, name), text, 0o600, owner);
  const conf = await write(
    "postgresql.conf",
    renderConf(place, listening, overrides),
    place.identity,
  );
  const hba = await write("pg_hba.conf", renderHba(listening), place.identity);
  return conf || hba;
}

export function renderConf(
  { home, binaries }: Pick<Place, "home" | "binaries">,
  { socketDirectory, port, tcp }: Listening,
  overrides: Readonly<Record<string, string>>,
): string {
  const settings: Record<string, string> = {
    ...DEFAULTS,
    log_directory: join(home, "log"),
    ...overrides,
    port: String(port),
    listen_addresses: tcp?.host ?? "",
    // A list: quotes keep a comma in a path from splitting it.
    unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_permissions: "0700",
    ssl: tcp?.tls ? "on" : "off",
  };
  if (tcp?.tls) {
    settings["ssl_cert_file"] = join(home, "tls", "server.crt");
    settings["ssl_key_file"] = join(home, "tls", "server.key");
    settings["ssl_min_protocol_version"] = "TLSv1.2";
  }
  // Named so that a newer program or certificate counts as a change, which an adopted server is restarted for.
  const certificate = tcp?.tls ? createHash("sha256").update(tcp.tls.cert).digest("hex") : "none";
  const head = `# PostgreSQL ${binaries.version}, certificate ${certificate}`;
  return [head, ...Object.entries(settings).map(assignment)].join("\n") + "\n";
}

/** Passwords everywhere, also on the socket. Over the network only with TLS; without it, only from this machine. */
export function renderHba({ tcp }: Listening): string {
  const lines = ["local all all scram-sha-256", "local replication all scram-sha-256"];
  if (tcp?.tls) lines.push("hostssl all all all scram-sha-256");
  else if (tcp)
    lines.push("host all all 127.0.0.1/32 scram-sha-256", "host all all ::1/128 scram-sha-256");
  return lines.join("\n") + "\n";
}

function assignment([name, value]: [string, string]): string {
  if (!/^[a-z_][a-z0-9_.]*$/i.test(name) || /[\n\r\0]/.test(value)) {
    throw new Error(`not a PostgreSQL setting: ${name}`);
  }
  return `${name} = '${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
