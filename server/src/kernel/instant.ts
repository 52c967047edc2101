import { z } from "zod";

const FIRST = Date.UTC(1900);
const LAST = Date.UTC(2200);

/** A moment in RFC 3339, of a time that PostgreSQL and people can mean; it becomes UTC with milliseconds. */
export const instant = z.iso
  .datetime({ offset: true })
  .refine((text) => Date.parse(text) >= FIRST && Date.parse(text) < LAST, "between 1900 and 2200")
  .transform((text) => new Date(text).toISOString());
