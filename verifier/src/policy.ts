import { equalBytes } from "./bytes.ts";
import { parseCount } from "./decimal.ts";
import { KEY_TYPE, keyLabel, parseVerifierKey, type VerifierKey } from "./verifier-key.ts";
import { VerifyError } from "./verify-error.ts";

/** c2sp.org/tlog-policy: which logs are believed, and whose cosignatures a checkpoint needs. */
export type Policy = {
  logs: readonly PolicyKey[];
  witnesses: readonly (PolicyKey & { name: string })[];
  groups: readonly PolicyGroup[];
  /** Name of a witness or a group; undefined: no cosignature is needed. */
  quorum: string | undefined;
};

export type PolicyKey = { vkey: string; key: VerifierKey; url?: string };

/** Witnessed when at least `threshold` of its members are. */
export type PolicyGroup = { name: string; threshold: number; members: readonly string[] };

/** Characters and lines; 32 logs, 32 witnesses and 32 groups, which the standard asks for, fit many times. */
export const POLICY_LENGTH_MAX = 100_000;
const LINES_MAX = 1_000;

/** Reads a policy. What it names is checked here: an opened policy has no key twice and no name that means nothing. */
export function parsePolicy(text: string): Policy {
  if (text.length > POLICY_LENGTH_MAX)
    throw malformed(undefined, `it is longer than ${POLICY_LENGTH_MAX} characters`);
  // oxlint-disable-next-line no-control-regex -- they are what it looks for
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text) || !text.isWellFormed())
    throw malformed(undefined, "it holds a control character or a lone surrogate");
  const lines = text.split("\n");
  if (lines.pop() !== "") throw malformed(undefined, "its last line does not end in a newline");
  if (lines.length > LINES_MAX) throw malformed(undefined, `it has more than ${LINES_MAX} lines`);
  const reader = new Reader();
  for (const [at, line] of lines.entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    if (words.length > 0 && !words[0]?.startsWith("#")) reader.line(at + 1, words);
  }
  return reader.policy();
}

/** Whether cosignatures of these keys, each `name+hash` of a signature that verified, satisfy the quorum. */
export function isWitnessed(
  { witnesses, groups, quorum }: Policy,
  keys: Iterable<string>,
): boolean {
  if (quorum === undefined) return true;
  const signed = new Set(keys);
  const holds = new Set(
    witnesses.filter(({ key }) => signed.has(keyLabel(key))).map(({ name }) => name),
  );
  // A group names what stands above it only, so one pass in order is enough.
  for (const { name, threshold, members } of groups)
    if (members.filter((member) => holds.has(member)).length >= threshold) holds.add(name);
  return holds.has(quorum);
}

class Reader {
  readonly #logs: PolicyKey[] = [];
  readonly #witnesses: (PolicyKey & { name: string })[] = [];
  readonly #groups: PolicyGroup[] = [];
  readonly #names = new Set<string>();
  readonly #members = new Set<string>();
  #quorum: string | undefined;

  line(at: number, [keyword, ...words]: string[]): void {
    if (keyword === "log" && (words.length === 1 || words.length === 2))
      this.#logs.push(this.#key(at, this.#logs, KEY_TYPE.ed25519, words));
    else if (keyword === "witness" && (words.length === 2 || words.length === 3)) {
      const name = this.#define(at, words.shift() as string);
      this.#witnesses.push({
        name,
        ...this.#key(at, this.#witnesses, KEY_TYPE.cosignature, words),
      });
    } else if (keyword === "group" && words.length >= 3) this.#group(at, words);
    else if (keyword === "quorum" && words.length === 1) {
      const [name] = words as [string];
      if (this.#quorum !== undefined) throw malformed(at, "the quorum is given twice");
      if (name !== "none") this.#known(at, name);
      this.#quorum = name;
    } else throw malformed(at, "it is no log, witness, group or quorum with what belongs to it");
  }

  policy(): Policy {
    if (this.#quorum === undefined) throw malformed(undefined, "it has no quorum line");
    return {
      logs: this.#logs,
      witnesses: this.#witnesses,
      groups: this.#groups,
      quorum: this.#quorum === "none" ? undefined : this.#quorum,
    };
  }

  #key(at: number, others: readonly PolicyKey[], type: number, words: string[]): PolicyKey {
    const [vkey, url] = words as [string, string?];
    const key = readKey(at, vkey);
    if (key.type !== type || key.publicKey.length !== 32)
      throw malformed(at, `its key is of type ${key.type}, not an Ed25519 key of type ${type}`);
    if (others.some((other) => equalBytes(other.key.publicKey, key.publicKey)))
      throw malformed(at, "its key was given on a line above");
    return { vkey, key, ...(url === undefined ? {} : { url }) };
  }

  #group(at: number, [name, count, ...members]: string[]): void {
    const threshold =
      count === "any" ? 1 : count === "all" ? members.length : parseCount(count as string);
    if (threshold === undefined || threshold < 1 || threshold > members.length)
      throw malformed(at, `${count} is not any, all or a number from 1 to ${members.length}`);
    for (const member of members) {
      this.#known(at, member);
      if (this.#members.has(member)) throw malformed(at, `${member} is a member already`);
      this.#members.add(member);
    }
    this.#groups.push({ name: this.#define(at, name as string), threshold, members });
  }

  #define(at: number, name: string): string {
    if (name === "none" || this.#names.has(name)) throw malformed(at, `the name ${name} is taken`);
    this.#names.add(name);
    return name;
  }

  #known(at: number, name: string): void {
    if (!this.#names.has(name)) throw malformed(at, `nothing above it is named ${name}`);
  }
}

function readKey(at: number, vkey: string): VerifierKey {
  try {
    return parseVerifierKey(vkey);
  } catch (error) {
    if (error instanceof VerifyError) throw malformed(at, error.message);
    throw error;
  }
}

function malformed(line: number | undefined, why: string): VerifyError {
  return new VerifyError(
    "verify/policy-malformed",
    line === undefined ? `This is no policy: ${why}.` : `Line ${line} of the policy: ${why}.`,
    "Write it as c2sp.org/tlog-policy says: log, witness, group and one quorum line.",
  );
}
