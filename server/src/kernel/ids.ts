import { v7, validate } from "uuid";

/** A UUIDv7 (RFC 9562): ordered by its time, so that indexes grow at one end and partitions follow it. */
export const newId = (): string => v7();

export const isId = (text: string): boolean => validate(text);

/** Milliseconds since 1970 that a UUIDv7 carries in its first 48 bits. */
export const idTime_ms = (id: string): number =>
  Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
