const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL = -1;

/** Types whose binary form is their bytes, by OID (pg_type.dat; they never change). */
const OIDS = { bytea: 17, text: 25 } as const;

/**
 * A PostgreSQL array in the binary form that `array_recv` reads: dimensions, nulls, element type, length and lower bound,
 * then each element with its length. No quotes and no hex: neither side escapes or parses what is in it.
 */
export function binaryArray(
  type: keyof typeof OIDS,
  elements: readonly (string | Uint8Array | null)[],
): Buffer {
  let bytes = HEADER_BYTES;
  for (const element of elements) bytes += LENGTH_BYTES + sizeOf(element);
  const array = Buffer.allocUnsafe(bytes);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(1, 4);
  array.writeInt32BE(OIDS[type], 8);
  array.writeInt32BE(elements.length, 12);
  array.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (const element of elements) {
    const start = at + LENGTH_BYTES;
    const size = element === null ? NULL : write(array, element, start);
    array.writeInt32BE(size, at);
    at = start + Math.max(size, 0);
  }
  return array;
}

function sizeOf(element: string | Uint8Array | null): number {
  if (element === null) return 0;
  return typeof element === "string" ? Buffer.byteLength(element) : element.length;
}

function write(array: Buffer, element: string | Uint8Array, at: number): number {
  if (typeof element === "string") return array.write(element, at);
  array.set(element, at);
  return element.length;
}
