import { Refusal } from "./refusal.ts";

/** PostgreSQL's own limits and troubles as refusals, by SQLSTATE (appendix A of its manual). Anything else is a bug. */
export function refusalOfDatabase(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return undefined;
  const { code = "", message = "" } = error as { code?: string; message?: string };
  if (LOST.has(code) || /Connection terminated|Client has encountered/.test(message))
    return connectionLost(code);
  return BY_STATE[code]?.();
}

/** Why a connection could not be made, when trying again would not help. */
export function refusalOfConnection(error: unknown): Refusal | undefined {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  if (["28P01", "28000"].includes(code)) return notSignedIn(code);
  if (code === "3D000") return noDatabase();
  if (code === "ENOTFOUND" || code === "EAI_AGAIN" || /timeout exceeded|timed out/i.test(message))
    return unavailable(error);
  if (/CERT|SELF_SIGNED|ISSUER|ERR_TLS/.test(code) || /does not support SSL/.test(message))
    return tlsFailed(code === "" ? message : code);
  return undefined;
}

/** The connection broke under the work: nobody knows whether its commit happened. */
export const isConnectionLost = (error: unknown): boolean =>
  error instanceof Refusal && error.code === "engine/connection_lost";

export const unavailable = (error: unknown) =>
  new Refusal(
    "engine/unavailable",
    503,
    "PostgreSQL does not answer",
    { cause: (error as { code?: string }).code ?? "unknown" },
    "Check that PostgreSQL runs and is reachable; send the call again with the same Idempotency-Key.",
  );

const notSignedIn = (sqlstate: string) =>
  new Refusal(
    "engine/not_signed_in",
    503,
    "PostgreSQL does not let this user sign in",
    { sqlstate },
    "Check user and password in DATABASE_URL, and the server's pg_hba.conf.",
  );

const noDatabase = () =>
  new Refusal(
    "engine/no_database",
    503,
    "The database that DATABASE_URL names does not exist",
    {},
    "Create it (createdb), or correct the name.",
  );

const tlsFailed = (cause: string) =>
  new Refusal(
    "engine/tls_failed",
    503,
    "The connection to PostgreSQL could not be secured",
    { cause },
    "Give the server's authority with ?sslrootcert=FILE; only on a network that you trust choose another ?sslmode=.",
  );

const LOST = new Set(["ECONNRESET", "EPIPE", "57P01", "57P02"]);

const connectionLost = (cause: string) =>
  new Refusal(
    "engine/connection_lost",
    503,
    "The connection to PostgreSQL broke under the call",
    { cause: cause === "" ? "closed" : cause },
    "Send the call again with the same Idempotency-Key: it is done at most once.",
  );

const BY_STATE: Readonly<Record<string, () => Refusal>> = {
  "53100": () =>
    new Refusal(
      "engine/disk_full",
      503,
      "PostgreSQL has no room left on its disk",
      {},
      "Free space or grow the volume; nothing was half-written, so send the call again after.",
    ),
  "57014": () =>
    new Refusal(
      "engine/timeout",
      503,
      "A statement of the call took longer than its limit",
      {},
      "Ask for less at once, or send the call again when the database is less busy.",
    ),
  "55P03": () =>
    new Refusal(
      "engine/lock_timeout",
      503,
      "The call waited too long for another one that holds the same rows",
      {},
      "Send the call again with the same Idempotency-Key.",
    ),
  "40P01": () =>
    new Refusal(
      "engine/deadlock",
      503,
      "The call and another one waited for each other",
      {},
      "Send the call again with the same Idempotency-Key.",
    ),
  "25006": () =>
    new Refusal(
      "engine/read_only",
      503,
      "This PostgreSQL server is a read-only replica",
      {},
      "Point DATABASE_URL at the primary.",
    ),
};
