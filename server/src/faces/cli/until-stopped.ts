/** Resolves at the first SIGINT or SIGTERM; a second one ends at once. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(128 + (signal === "SIGINT" ? 2 : 15)));
        resolve();
      });
    }
  });
}
