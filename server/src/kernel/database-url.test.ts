import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { readDatabaseUrl } from "./database-url.ts";

const VERIFIED = { rejectUnauthorized: true };

describe("a URL is read as", () => {
  test.each<[string, object]>([
    [
      "postgres://u:p@db.example/d",
      { host: "db.example", port: 5432, user: "u", password: "p", database: "d", ssl: VERIFIED },
    ],
    ["postgresql://u@h:6543/d", { port: 6543, password: "", ssl: VERIFIED }],
    ["postgres://u%40x:p%2Fw%3A@h/d%20b", { user: "u@x", password: "p/w:", database: "d b" }],
    ["postgres://u:p@h/d?sslmode=verify-full", { ssl: VERIFIED }],
    ["postgres://u:p@h/d?sslmode=require", { ssl: { rejectUnauthorized: false } }],
    [
      "postgres://u:p@h/d?sslmode=verify-ca",
      { ssl: { rejectUnauthorized: true, checkServerIdentity: expect.any(Function) } },
    ],
    ["postgres://u:p@h/d?sslmode=disable", { ssl: false }],
    ["postgres://u:p@%2Fvar%2Frun/d", { host: "/var/run", ssl: false }],
    ["postgres://u:p@h/d?host=/tmp/sockets", { host: "/tmp/sockets", ssl: false }],
    ["postgres://u:p@[::1]:5433/d", { host: "::1", port: 5433 }],
  ])("%s", (text, wanted) => expect(readDatabaseUrl(text)).toMatchObject(wanted));

  test("with the certificate that it names", () => {
    const dir = mkdtempSync(join(tmpdir(), "sealbase-url-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    writeFileSync(join(dir, "ca.pem"), "CERTIFICATE");
    const { ssl } = readDatabaseUrl(`postgres://u:p@h/d?sslrootcert=${join(dir, "ca.pem")}`);
    expect(ssl).toEqual({ ...VERIFIED, ca: "CERTIFICATE" });
  });
});

describe("is refused, and its password not repeated:", () => {
  test.each([
    "",
    "not a url SECRET",
    "mysql://u:SECRET@h/d",
    "postgres://:SECRET@h/d",
    "postgres://u:SECRET@h",
    "postgres://u:SECRET@h/",
    "postgres://u:SECRET@h/d?sslmode=prefer",
    "postgres://u:SECRET@h/d?sslrootcert=/nowhere/ca.pem",
    "postgres://u:SECRET%ff@h/d",
  ])("%s", (text) => {
    const error = (() => {
      try {
        return readDatabaseUrl(text);
      } catch (refusal) {
        return refusal;
      }
    })();
    expect(error).toMatchObject({
      code: "config/bad_database_url",
      help: expect.stringContaining("postgres://"),
    });
    expect(JSON.stringify(error) + (error as Error).message).not.toContain("SECRET");
  });
});
