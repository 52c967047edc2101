import { readFileSync } from "node:fs";
import type { ClientConfig } from "pg";
import { Refusal } from "./refusal.ts";

const SSL_MODES = ["disable", "require", "verify-ca", "verify-full"] as const;

/**
 * Reads `postgres://user:password@host:port/database?sslmode=…&sslrootcert=FILE`.
 * TLS is used and the server's certificate and name are verified unless `sslmode` says otherwise, as in libpq's
 * `verify-full`; a host that is a path is a unix socket and needs no TLS.
 */
export function readDatabaseUrl(text: string): ClientConfig {
  const url = parse(text);
  const sslMode = url.searchParams.get("sslmode") ?? "verify-full";
  if (!(SSL_MODES as readonly string[]).includes(sslMode))
    throw refused(`sslmode=${sslMode} is not known`, { sslmode: sslMode, known: SSL_MODES });
  const host = url.searchParams.get("host") ?? decoded(url.hostname).replace(/^\[(.*)\]$/, "$1");
  const rootCertificate = url.searchParams.get("sslrootcert");
  return {
    host,
    port: url.port === "" ? 5432 : Number(url.port),
    user: decoded(url.username),
    password: decoded(url.password),
    database: decoded(url.pathname.slice(1)),
    ssl: host.startsWith("/") || sslMode === "disable" ? false : tls(sslMode, rootCertificate),
  };
}

function parse(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !["postgres:", "postgresql:"].includes(url.protocol))
    throw refused("it is not a postgres:// URL", {});
  if (url.username === "" || url.pathname.length < 2)
    throw refused("user or database is missing", { host: url.hostname });
  return url;
}

function tls(sslMode: string, rootCertificate: string | null): ClientConfig["ssl"] {
  if (sslMode === "require") return { rejectUnauthorized: false };
  return {
    rejectUnauthorized: true,
    ...(rootCertificate === null ? {} : { ca: readCertificate(rootCertificate) }),
    ...(sslMode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw refused("a part of it is not percent-encoded UTF-8", {});
  }
}

function readCertificate(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw refused("the file of sslrootcert cannot be read", {
      file,
      cause: (error as NodeJS.ErrnoException).code ?? "unknown",
    });
  }
}

/** The URL itself is never repeated: it holds a password. */
const refused = (why: string, facts: Record<string, string | readonly string[]>) =>
  new Refusal(
    "config/bad_database_url",
    500,
    `DATABASE_URL cannot be used: ${why}`,
    facts,
    "Set DATABASE_URL to postgres://USER:PASSWORD@HOST:PORT/DATABASE, optionally with ?sslmode= and &sslrootcert=.",
  );
