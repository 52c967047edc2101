import { z } from "zod";
import { decodeCbor } from "./cbor.ts";
import { recordMalformed } from "./refusals.ts";

const bytes = (length: number) =>
  z
    .instanceof(Uint8Array, { error: `${length} bytes` })
    .refine((value) => value.length === length, { message: `${length} bytes` })
    .transform((value) => Buffer.from(value));

/** A signed record: the one deterministic encoding of exactly the fields of its shape. Refuses everything else. */
export function readRecord<Shape extends z.ZodType>(
  what: string,
  record: Uint8Array,
  shape: (bytes: (length: number) => z.ZodType<Buffer, unknown>) => Shape,
): z.output<Shape> {
  let value: unknown;
  try {
    value = decodeCbor(record);
  } catch (error) {
    throw recordMalformed(what, (error as Error).message);
  }
  const parsed = shape(bytes).safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw recordMalformed(what, [...issue!.path.map(String), issue!.message].join(": "));
}
