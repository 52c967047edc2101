import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { privateDirectory, writeIfDifferent } from "./files.ts";
import type { Place } from "./place.ts";
import { tlsRequired, tlsUnusable } from "./refusals.ts";

/** Both in PEM. */
export type Tls = { readonly cert: string; readonly key: string };

/** Reads the pair, each given as PEM or as the path of a PEM file, and makes sure that it is one. */
export async function readTls(host: string, given: Tls | undefined): Promise<Tls | undefined> {
  if (!given) {
    if (["127.0.0.1", "::1", "localhost"].includes(host)) return undefined;
    throw tlsRequired(host);
  }
  try {
    const [cert, key] = await Promise.all([pem(given.cert), pem(given.key)]);
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch (error) {
    throw tlsUnusable((error as Error).message);
  }
  throw tlsUnusable("the key belongs to another certificate");
}

/** PostgreSQL takes only a key that is its own and closed to others, so it gets a copy. */
export async function placeTls({ home, identity }: Place, { cert, key }: Tls): Promise<void> {
  const directory = join(home, "tls");
  await privateDirectory(directory, identity);
  await writeIfDifferent(join(directory, "server.crt"), cert, 0o600, identity);
  await writeIfDifferent(join(directory, "server.key"), key, 0o600, identity);
}

async function pem(given: string): Promise<string> {
  return given.includes("-----BEGIN ") ? given : readFile(given, "utf8");
}
