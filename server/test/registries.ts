import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { encode, rfc8949EncodeOptions } from "cborg";

// Signers as strangers would write them: Node's Ed25519 and messages put together by hand, nothing of the server's.

export interface Key {
  readonly publicKey: string;
  /** First 20 bytes of SHA-256 of the public key. */
  readonly node: string;
  sign(message: Uint8Array): string;
}

const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** The Ed25519 key whose seed is this number, 32 bytes long. */
export function keyOf(n: number): Key {
  const seed = Buffer.alloc(32);
  seed.writeUInt32BE(n, 28);
  const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const publicKey = spki.subarray(-32);
  return {
    publicKey: publicKey.toString("hex"),
    node: sha256(publicKey).subarray(0, 20).toString("hex"),
    sign: (message) => sign(null, message, key).toString("hex"),
  };
}

export const sha256 = (...parts: (string | Uint8Array)[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const hex = (text: string): Buffer => Buffer.from(text, "hex");
const uint64 = (n: number): Buffer => hex(n.toString(16).padStart(16, "0"));
export const cbor = (value: unknown): string =>
  Buffer.from(encode(value, rfc8949EncodeOptions)).toString("hex");

export const MAINTAINERS = [1, 2, 3].map(keyOf);
export const NODE = keyOf(10);
/** One for the whole run, so that equal worlds have equal records. */
export const NOW_S = Math.floor(Date.now() / 1000);

export interface Set {
  readonly alias: string;
  readonly number: number;
  readonly maintainers: readonly Key[];
}

export const firstSet = (alias: string): Set => ({ alias, number: 1, maintainers: MAINTAINERS });

export const beginInput = ({ alias, maintainers }: Pick<Set, "alias" | "maintainers">) => ({
  alias,
  maintainers: maintainers.map(({ publicKey }) => publicKey),
});

const setDigest = ({ alias, number, maintainers }: Set): Buffer =>
  sha256(
    "BN-L5-SET",
    uint64(number),
    uint64(2),
    uint64(maintainers.length),
    ...maintainers
      .map(({ publicKey }) => publicKey)
      .toSorted()
      .map(hex),
    alias,
  );

export function recordInput({ alias = "gate", seq = 1, ts = NOW_S, by = NODE }) {
  const message = sha256("BN-L5", alias, hex(by.node), uint64(seq), uint64(ts));
  const sig = hex(by.sign(message));
  return { record: cbor({ alias, node: hex(by.node), seq, sig, ts }), public_key: by.publicKey };
}

export const endorseInput = (set: Set, { record }: { record: string }, by: Key) => ({
  maintainer: by.publicKey,
  signature: by.sign(sha256("BN-L5-ENDORSE", setDigest(set), sha256(hex(record)))),
});

/** What hands `set` over to these maintainers. */
export function rotateInput(set: Set, maintainers: readonly Key[], signers: readonly Key[]) {
  const next = { alias: set.alias, number: set.number + 1, maintainers };
  const message = sha256("BN-L5-ROTATE", setDigest(set), setDigest(next));
  return {
    ...beginInput(next),
    number: set.number,
    signatures: signers.map((by) => ({ maintainer: by.publicKey, signature: by.sign(message) })),
  };
}

export const keysetInput = (...keys: string[]) => ({
  curve: "BLS12-381",
  public_keys: keys.length === 0 ? ["ab".repeat(48), "cd".repeat(48)] : keys,
  valid_from: "2026-01-01T00:00:00.000Z",
});

/** So many endorsers, in bytewise order. */
export const endorsersOf = (count: number, from = 100): Key[] =>
  Array.from({ length: count }, (_, i) => keyOf(from + i)).toSorted((a, b) =>
    a.publicKey < b.publicKey ? -1 : 1,
  );

export function paymentInput({
  keyset,
  endorsers = endorsersOf(5),
  number = 1,
  previous = null,
  ...more
}: {
  keyset: string;
  endorsers?: readonly Key[];
  number?: number;
  previous?: string | null;
  curve?: string;
}) {
  const record = {
    curve: "BLS12-381",
    endorsers: endorsers.map(({ publicKey }) => hex(publicKey)),
    keyset: hex(keyset),
    number,
    previous: previous === null ? null : hex(previous),
    ...more,
  };
  return { record: cbor(record) };
}

export const endorsePaymentInput = ({ record }: { record: string }, by: Key) => ({
  endorser: by.publicKey,
  signature: by.sign(sha256("BN-REG", hex(record))),
});

export const START_S = Date.UTC(2026, 4, 1) / 1000;
export const HOUR_S = 3_600;

export function forwardingInput(
  more: Partial<Record<"bytes" | "end" | "start" | "units", number | bigint>> & {
    keyset?: string;
    peer?: string | null;
  } = {},
  by: Key = NODE,
) {
  const { keyset, peer = "11".repeat(20), ...counts } = more;
  const record = cbor({
    bytes: 1_000,
    start: START_S,
    end: START_S + HOUR_S,
    units: 7,
    ...counts,
    keyset: keyset === undefined ? null : hex(keyset),
    peer: peer === null ? null : hex(peer),
    relay: hex(by.node),
  });
  return {
    record,
    public_key: by.publicKey,
    signature: by.sign(sha256("BN-ACCOUNT", hex(record))),
  };
}
