import type { CallOptions } from "./method.ts";

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_cursor: string | null;
}

/** Every item of a list, page after page, each fetched when the one before is used up. */
export async function* eachItem<Input, Item>(
  list: (input: Input, options?: CallOptions) => Promise<Page<Item>>,
  input: NonNullable<NoInfer<Input>>,
  options?: CallOptions,
): AsyncGenerator<Item, void, undefined> {
  let next: Input = input;
  for (;;) {
    const { items, next_cursor } = await list(next, options);
    yield* items;
    if (next_cursor === null) return;
    next = { ...input, cursor: next_cursor };
  }
}
