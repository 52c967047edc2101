import type { Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { print, table } from "../print.ts";

/** The list needs no engine: it is part of the program. */
export const listOperations: Run = async ({ json, operations }) => {
  const rows = (await operations()).map(({ name, rest, kind, summary }) => ({
    name,
    rest,
    kind,
    summary,
  }));
  print(json, rows, () =>
    table(
      ["operation", "path", "kind", ""],
      rows.map((row) => [row.name, row.rest, row.kind, row.summary]),
    ),
  );
  return EXIT.done;
};
