import { v7 } from "uuid";

/** A UUIDv7 (RFC 9562): ordered by its time, so that indexes grow at one end and partitions follow it. */
export const newId = (): string => v7();
