import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { lchown, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { program } from "./binaries.ts";
import { readIfThere, syncDirectory, writeWhole } from "./files.ts";
import { FORMAT, writeMarker } from "./marker.ts";
import type { Place } from "./place.ts";
import { refusalFromOutput, startFailed } from "./refusals.ts";

export const ADMIN = "sealbase_admin";
export const DATABASE = "sealbase";
/** PostgreSQL's programs get nothing of our environment: PGPORT, PGDATA and the like would change what they do. */
export const ENVIRONMENT = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

const TEMPORARY_NAME = /^pg\.tmp-/;
const INITDB_LIMIT_MS = 5 * 60_000;

/**
 * Makes the cluster: the marker first, so that whatever a crash leaves behind is known to be ours; then everything
 * in pg.tmp-…, with its password and its database; then one rename. There is a whole cluster or none.
 */
export async function initialise(place: Place, durable: boolean): Promise<void> {
  const { dir, home, pg, binaries, identity, keeper } = place;
  for (const name of await readdir(home)) {
    if (TEMPORARY_NAME.test(name)) {
      await rm(join(home, name), { recursive: true, force: true, maxRetries: 3 });
    }
  }
  const createdAt = new Date().toISOString();
  const origin = { format: FORMAT, pgMajor: binaries.major, createdAt };
  const marker = home === dir ? origin : { ...origin, cluster: home };
  await writeMarker(dir, { ...marker, initialised: false }, keeper);
  const password = randomBytes(24).toString("base64url");
  await writeWhole(passwordPath(place), `${password}\n`, 0o600, keeper);

  const temporary = join(home, `pg.tmp-${randomBytes(6).toString("hex")}`);
  try {
    await mkdir(temporary, { mode: 0o700 });
    if (identity) await lchown(temporary, identity.uid, identity.gid);
    const sync = durable ? [] : ["--no-sync"];
    await runProgram(place, "initdb", ["-D", temporary, ...INITDB_ARGUMENTS, ...sync]);
    // Through standard input, because arguments are for everyone to read.
    const single = ["--single", "-D", temporary, "-c", "exit_on_error=on", `-cfsync=${durable}`];
    await runProgram(
      place,
      "postgres",
      [...single, "template1"],
      `ALTER ROLE ${ADMIN} PASSWORD '${password}'\nCREATE DATABASE ${DATABASE}\n`,
    );
    await rename(temporary, pg);
    await syncDirectory(home);
    await writeMarker(dir, { ...marker, initialised: true }, keeper);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

export async function readPassword(place: Place): Promise<string> {
  const text = await readIfThere(passwordPath(place));
  if (!text) throw startFailed(place.dir, `the file ${passwordPath(place)} is missing`);
  return text.toString("utf8").trim();
}

const INITDB_ARGUMENTS = [
  `--username=${ADMIN}`,
  "--encoding=UTF8",
  // Built in, so that an upgrade of the system's C library or ICU never reorders an index.
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  "--locale=C",
  "--data-checksums",
  // Until the first real start writes pg_hba.conf, nobody gets in at all.
  "--auth=reject",
  "--no-instructions",
];

function passwordPath({ dir }: Place): string {
  return join(dir, "password");
}

function runProgram(
  { dir, binaries, identity }: Place,
  name: "initdb" | "postgres",
  args: readonly string[],
  input = "",
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program(binaries, name), args, {
      ...identity,
      cwd: "/",
      env: ENVIRONMENT,
      timeout: INITDB_LIMIT_MS,
    });
    let output = "";
    const keep = (chunk: string) => {
      output = (output + chunk).slice(-10_000);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.stdin.on("error", () => undefined); // it ended early: its exit says why
    child.stdin.end(input);
    child.once("error", (error) =>
      reject(startFailed(dir, `${name} does not run: ${error.message}`)),
    );
    child.once("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(refusalFromOutput(dir, `${name} ended with ${signal ?? code}`, output));
    });
  });
}
