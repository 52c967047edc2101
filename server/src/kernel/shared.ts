/** Everyone who asks while an answer is on its way, or is younger than this, gets that one. */
export function shared<T>(ask: () => Promise<T>, keep_ms: number): () => Promise<T> {
  let last: Promise<T> | undefined;
  let until_ms = Number.POSITIVE_INFINITY;
  return () => {
    if (last !== undefined && performance.now() < until_ms) return last;
    until_ms = Number.POSITIVE_INFINITY;
    last = ask().finally(() => {
      until_ms = performance.now() + keep_ms;
    });
    return last;
  };
}
