/** Does `work` on each item, up to `count` of them at once, and gives what came of them in order. */
export async function* inOrder<Item, Result>(
  items: Iterable<Item>,
  count: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const begun: Promise<Result>[] = [];
  try {
    for (const item of items) {
      const result = work(item);
      // Heard when its turn comes; until then it must not end the process.
      result.catch(() => undefined);
      begun.push(result);
      if (begun.length === count) yield await begun.shift()!;
    }
    while (begun.length > 0) yield await begun.shift()!;
  } finally {
    // Who stops early finds nothing at work behind it.
    await Promise.allSettled(begun);
  }
}
