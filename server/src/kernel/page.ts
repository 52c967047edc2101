import { z } from "zod";
import { Refusal } from "./refusal.ts";

/** Input fields of every list. */
export const page = {
  limit: z.coerce.number().int().min(1).max(200).default(50).describe("Items a page, 1 to 200"),
  cursor: z.string().max(500).optional().describe("next_cursor of the page before"),
};

/** How one list is paged. */
export interface Paging<Item = never> {
  /** The cursor of a page that starts after this item. */
  cursor(item: Item): string;
}

/** A list of items: what its operation gives, and where an item stands in it. */
export interface ListOf<Item extends z.ZodType> extends Paging<z.input<Item>> {
  readonly output: z.ZodObject<{
    items: z.ZodArray<Item>;
    next_cursor: z.ZodNullable<z.ZodString>;
  }>;
  /** One page of at most `limit` items; one item more says that there is a next. */
  page(
    items: readonly z.input<Item>[],
    limit: number,
  ): { items: z.input<Item>[]; next_cursor: string | null };
}

/** `place` says what `readCursor` gets back: the value that the list is ordered by. */
export function listOf<Item extends z.ZodType>(
  item: Item,
  place: (item: z.input<Item>) => unknown,
): ListOf<Item> {
  const cursor = (one: z.input<Item>) =>
    Buffer.from(JSON.stringify(place(one))).toString("base64url");
  return {
    output: z.object({ items: z.array(item), next_cursor: z.string().nullable() }),
    cursor,
    page: (items, limit) => ({
      items: items.slice(0, limit),
      next_cursor: items.length > limit ? cursor(items[limit - 1]!) : null,
    }),
  };
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
