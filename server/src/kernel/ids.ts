import { v7 } from "uuid";

/** A UUIDv7 (RFC 9562): ordered by its time, so that indexes grow at one end and partitions follow it. */
export const newId = (): string => v7();

/** Whose rows the log over all logs is: no project's. It is called `ORIGIN/log/root`. */
export const ROOT = { id: "00000000-0000-7000-8000-000000000000", name: "root" } as const;
