/** Bytes and their spellings. Each spelling has one form only: what decodes, encodes back to the same text. */

const encoder = new TextEncoder();
// ignoreBOM keeps a byte order mark in the text, where it is refused, instead of dropping it silently.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a text. Lone surrogates have none: TypeError. */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new TypeError("A lone surrogate has no UTF-8 form.");
  return encoder.encode(text);
}

/** The text of UTF-8 bytes; TypeError if they are not exactly that. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

const HEX_PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += HEX_PAIRS[byte];
  return text;
}

/** Bytes of lower-case hex, or undefined if it is anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const NOT_A_DIGIT = 64;
const DIGITS = new Uint8Array(128).fill(NOT_A_DIGIT);
for (let value = 0; value < 64; value++) DIGITS[ALPHABET.charCodeAt(value)] = value;

/** Standard base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i;
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    text += ALPHABET.charAt(group >> 18) + ALPHABET.charAt((group >> 12) & 63);
    text += left > 1 ? ALPHABET.charAt((group >> 6) & 63) : "=";
    text += left > 2 ? ALPHABET.charAt(group & 63) : "=";
  }
  return text;
}

/** Bytes of standard base64, or undefined: no missing padding, no spaces, no stray low bits. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const digits = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let group = 0;
  let written = 0;
  for (let i = 0; i < digits; i++) {
    const digit = DIGITS[text.charCodeAt(i)] ?? NOT_A_DIGIT;
    if (digit === NOT_A_DIGIT) return undefined;
    group = (group << 6) | digit;
    if (i % 4 === 0) continue;
    const bitsLeft = 6 - 2 * (i % 4);
    bytes[written++] = (group >> bitsLeft) & 255;
    group &= (1 << bitsLeft) - 1;
  }
  return group === 0 ? bytes : undefined;
}

export function concatBytes(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Compares public values; its time depends on them. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}
