import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { concatBytes, fromUtf8 } from "./bytes.ts";
import { FORK_HEADER, FORK_LENGTH_MAX } from "./fork.ts";
import { RECEIPT_HEADER } from "./receipt.ts";
import { nextKeyOf } from "./rollover.ts";
import type { TrustedKey, VerifiedCheckpoint } from "./verify-checkpoint.ts";
import { type Failure, VerifyError } from "./verify-error.ts";
import type { VerifiedExport } from "./verify-export.ts";
import type { VerifiedFork } from "./verify-fork.ts";
import type { VerifiedReceipt } from "./verify-receipt.ts";
import type { VerifiedTiles } from "./verify-tiles.ts";

const HELP = `Checks a Sealbase receipt, checkpoint, export, mirror or evidence of a fork, offline.

  sealbase-verify FILE --key KEY
  sealbase-verify FILE --policy POLICY

FILE             a receipt, a checkpoint, an export (a JSON text a line) or evidence of a fork; - reads
                 standard input; or a folder with the files of a whole log (c2sp.org/tlog-tiles):
                 entries, tiles, root and signature are checked
--key KEY        a key that you trust, NAME+HASH+KEY; may be given again (log, witnesses)
--key-file FILE  keys, one a line; may be given again
--policy FILE    logs, witnesses and the quorum to ask for, as c2sp.org/tlog-policy
--json           answer in JSON (the default when the output is not a terminal; --no-json: lines)
--help --version

SEALBASE_LOG_KEY holds the keys when none of these options is given.
Exit code: 0 verified, 1 not verified, 2 nothing was checked (usage, unreadable file).
`;

/** The largest receipt at 4 bytes a character, the most that UTF-8 takes; evidence is ASCII. */
const FILE_SIZE_MAX = FORK_LENGTH_MAX;

/** Runs the command and gives its exit code. */
export async function run(argv: readonly string[]): Promise<0 | 1 | 2> {
  try {
    const { values, positionals } = readArguments(argv);
    if (values.help) return print(HELP);
    if (values.version) return print(`${version()}\n`);
    const [file, ...more] = positionals;
    if (file === undefined || more.length > 0) throw new UsageError("Give one FILE.");
    const policy = values.policy === undefined ? undefined : await readText(values.policy);
    const keys = await trustedKeys(values.key, values["key-file"], policy !== undefined);
    const answer = isFolder(file)
      ? await checkFolder(file, keys, policy)
      : await checkFile(file, keys, policy);
    const asJson = values.json ?? !process.stdout.isTTY;
    process.stdout.write(asJson ? `${JSON.stringify(answer)}\n` : inWords(answer));
    return answer.ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`sealbase-verify: ${error.message}\nTry: sealbase-verify --help\n`);
    return 2;
  }
}

type Answer =
  | Failure
  | (VerifiedReceipt & { what: "receipt" })
  | (VerifiedFork & { what: "fork" })
  | (VerifiedCheckpoint & { what: "checkpoint" })
  | (VerifiedExport & { what: "export" })
  | (VerifiedTiles & { what: "log" });

/** An export is read as it goes: it may be larger than memory. What it is shows in its first byte. */
async function checkFile(
  file: string,
  vkeys: string[],
  policy: string | undefined,
): Promise<Answer> {
  const chunks = chunksOf(file);
  const first = await chunks.next();
  if (first.done === true || first.value[0] !== OPEN_BRACE)
    return check(
      await textOf(file, first.done === true ? undefined : first.value, chunks),
      vkeys,
      policy,
    );
  const { failureInsteadOfReject, verifyExport } = await import("./index.ts");
  const keys = await failureInsteadOfReject(() => withMlDsa(vkeys));
  if ("ok" in keys) return keys;
  const whole = async function* () {
    yield first.value;
    yield* chunks;
  };
  const answer = await verifyExport(whole(), keys, policy);
  return answer.ok ? { what: "export", ...answer } : answer;
}

const OPEN_BRACE = 0x7b;

async function check(text: string, vkeys: string[], policy: string | undefined): Promise<Answer> {
  const { failureInsteadOfReject, verifyCheckpoint, verifyFork, verifyReceipt } = await import(
    "./index.ts"
  );
  const keys = await failureInsteadOfReject(() => withMlDsa(vkeys));
  if ("ok" in keys) return keys;
  if (text.startsWith(`${RECEIPT_HEADER}\n`)) {
    const answer = verifyReceipt(text, keys, policy);
    return answer.ok ? { what: "receipt", ...answer } : answer;
  }
  if (text.startsWith(`${FORK_HEADER}\n`)) {
    const answer = verifyFork(text, keys, policy);
    return answer.ok ? { what: "fork", ...answer } : answer;
  }
  const answer = verifyCheckpoint(text, keys, policy);
  return answer.ok ? { what: "checkpoint", ...answer } : answer;
}

/** A whole log, file by file. */
async function checkFolder(
  folder: string,
  vkeys: string[],
  policy: string | undefined,
): Promise<Answer> {
  if (!existsSync(join(folder, "checkpoint")))
    throw new UsageError(`${folder} holds no log: there is no file checkpoint in it.`);
  const { failureInsteadOfReject, verifyTiles } = await import("./index.ts");
  const keys = await failureInsteadOfReject(() => withMlDsa(vkeys));
  if ("ok" in keys) return keys;
  const files = {
    read: async (path: string, bytesMax: number) => readFileIn(join(folder, path), bytesMax),
  };
  const answer = await verifyTiles(files, keys, { policy });
  return answer.ok ? { what: "log", ...answer } : answer;
}

/** ML-DSA keys with the code that checks them; who has none does not load it. */
async function withMlDsa(vkeys: readonly string[]): Promise<readonly TrustedKey[]> {
  if (!vkeys.some((vkey) => vkey.length > ED25519_KEY_LENGTH_MAX)) return vkeys;
  const { isMlDsaKey, mlDsaVerifier } = await import("./ml-dsa.ts");
  return [...new Set(vkeys)].map((vkey) => (isMlDsaKey(vkey) ? mlDsaVerifier(vkey) : vkey));
}

/** Longer keys are no Ed25519 keys, unless their name alone is that long. */
const ED25519_KEY_LENGTH_MAX = 1_000;

const isFolder = (file: string): boolean =>
  file !== "-" && (statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false);

function readFileIn(file: string, bytesMax: number): Uint8Array | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (found.isFile() && found.size > bytesMax)
    throw new VerifyError(
      "verify/tile-malformed",
      `${file} has ${found.size} bytes; ${bytesMax} is the most that it can have.`,
      "Fetch the file again, as bytes.",
    );
  try {
    return readFileSync(file);
  } catch (error) {
    throw new VerifyError(
      "verify/file-unreadable",
      `${file} is not readable: ${(error as Error).message}`,
      "Let whoever runs this read the file.",
    );
  }
}

function inWords(answer: Answer): string {
  if (!answer.ok)
    return `NOT VERIFIED (${answer.code})\n${visible(answer.message)}\n${answer.help}\n`;
  const lines = [`VERIFIED ${answer.what}`, `log     ${answer.origin}`];
  if (answer.what === "fork") return forkInWords(lines, answer);
  if (answer.what === "receipt") {
    const { actor, action, outcome, time } = answer.entry;
    lines.push(`entry   ${answer.index} of ${answer.size}, ${time}`);
    lines.push(`says    ${actor} ${action} ${outcome}`);
    const nextKey = nextKeyOf(answer.entry);
    if (nextKey !== undefined) lines.push(`next    ${nextKey}`);
  } else {
    lines.push(`size    ${answer.size}`);
  }
  if (answer.what === "export") {
    const asked = Object.entries(answer.filter).map(([name, value]) => `${name} ${String(value)}`);
    const all = answer.complete ? "all there are" : asked.join(", ") || "not all there are";
    lines.push(`entries ${answer.entries}: ${all}; ${answer.payloads} with payload`);
  }
  if (answer.what === "log")
    lines.push(`files   ${answer.tiles} tiles${answer.entries ? ", every entry" : ", no entries"}`);
  lines.push(`root    ${answer.root}`, ...answer.keys.map((key) => `signed  ${key}`));
  return `${lines.map(visible).join("\n")}\n`;
}

function forkInWords(lines: string[], { differs, first, second }: VerifiedFork): string {
  const place = "size" in differs ? `the first ${differs.size} entries` : `entry ${differs.index}`;
  lines.push(`says    the log's key signed two histories: they differ in ${place}`);
  lines.push(...[first, second].map(({ size, root }) => `signed  ${root} at ${size}`));
  return `${lines.map(visible).join("\n")}\n`;
}

/** Sealed texts come from anybody: control and direction characters must not reach the terminal. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}

class UsageError extends Error {}

function readArguments(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      allowNegative: true,
      options: {
        key: { type: "string", multiple: true },
        "key-file": { type: "string", multiple: true },
        policy: { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function trustedKeys(
  given: string[] = [],
  files: string[] = [],
  hasPolicy = false,
): Promise<string[]> {
  const texts = [...given, ...(await Promise.all(files.map(readText)))];
  if (texts.length === 0 && !hasPolicy) texts.push(process.env["SEALBASE_LOG_KEY"] ?? "");
  const keys = texts.join("\n").split(/\s+/).filter(Boolean);
  if (keys.length === 0 && !hasPolicy)
    throw new UsageError(
      "Give the key of the log: --key, --key-file, --policy or SEALBASE_LOG_KEY.",
    );
  return keys;
}

async function* chunksOf(file: string): AsyncGenerator<Uint8Array, undefined> {
  try {
    yield* file === "-" ? process.stdin : createReadStream(file);
  } catch (error) {
    throw unreadable(file, error as Error);
  }
  return undefined;
}

/** The rest as text: no more than the largest receipt, whatever the file turns out to be. */
async function textOf(
  file: string,
  first: Uint8Array | undefined,
  rest: AsyncIterable<Uint8Array>,
): Promise<string> {
  const chunks = first === undefined ? [] : [first];
  let length = first?.length ?? 0;
  for await (const chunk of rest) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > FILE_SIZE_MAX) break;
  }
  if (length > FILE_SIZE_MAX)
    throw unreadable(file, new Error(`larger than ${FILE_SIZE_MAX} bytes`));
  try {
    return fromUtf8(concatBytes(...chunks));
  } catch (error) {
    throw unreadable(file, error as Error);
  }
}

const readText = (file: string): Promise<string> => textOf(file, undefined, chunksOf(file));

const unreadable = (file: string, { message }: Error) =>
  new UsageError(`${file} is not readable: ${message}`);

function version(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

function print(text: string): 0 {
  process.stdout.write(text);
  return 0;
}
