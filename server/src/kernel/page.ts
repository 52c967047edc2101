import { z } from "zod";
import { Refusal } from "./refusal.ts";

/** Input fields of every list. */
export const page = {
  limit: z.coerce.number().int().min(1).max(200).default(50).describe("Items a page, 1 to 200"),
  cursor: z.string().max(500).optional().describe("next_cursor of the page before"),
};

/** The cursor of the next page, when `rows` holds one more than `limit`; it carries the last item's place. */
export function cursorOf<Row>(
  rows: readonly Row[],
  limit: number,
  place: (row: Row) => unknown,
): string | null {
  return rows.length > limit
    ? Buffer.from(JSON.stringify(place(rows[limit - 1]!))).toString("base64url")
    : null;
}

/** The place that a cursor carries. Refuses what this system did not make. */
export function readCursor<T>(cursor: string | undefined, place: z.ZodType<T>): T | undefined {
  if (cursor === undefined) return undefined;
  const parsed = place.safeParse(parse(Buffer.from(cursor, "base64url").toString()));
  if (parsed.success) return parsed.data;
  throw new Refusal(
    "request/bad_cursor",
    400,
    "This cursor was not made by this list",
    { cursor },
    "Start without a cursor and follow next_cursor.",
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
