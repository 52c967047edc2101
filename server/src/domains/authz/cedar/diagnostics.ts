/** What is wrong with a text or document, and where. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** Id of the policy; null when it is about the text or the schema. */
  readonly policy: string | null;
  readonly message: string;
  /** Cedar's own advice. */
  readonly help: string | null;
  /** From 1; null where there is no text. */
  readonly line: number | null;
  /** From 1, in UTF-16 units as editors count; a tab is one. */
  readonly column: number | null;
  /** The line, cut around the position. */
  readonly excerpt: string | null;
}

/** As Cedar's WebAssembly gives an error. Offsets are bytes of UTF-8 in the text that it was given. */
export interface CedarError {
  readonly message: string;
  readonly help: string | null;
  readonly sourceLocations?: readonly {
    readonly start: number;
    readonly label: string | null;
  }[];
}

const EXCERPT_CHARS = 120;

/** An error of Cedar in a text that begins at a place of a larger one. */
export function diagnosticOf(
  { message, help, sourceLocations }: CedarError,
  where: {
    text: string;
    part?: string;
    start?: number;
    policy?: string | null;
    severity?: "warning";
  },
): Diagnostic {
  const { text, part = text, start = 0, policy = null, severity = "error" } = where;
  const [first] = sourceLocations ?? [];
  const said = first?.label ? `${message}: ${first.label}` : message;
  const at =
    first === undefined ? nowhere : positionOf(text, start + charsBefore(part, first.start));
  return { severity, policy, message: said.replace(/^failed to parse [^:]*: /, ""), help, ...at };
}

const nowhere = { line: null, column: null, excerpt: null };

/** A diagnostic without a text to point into. */
export const plain = (
  message: string,
  policy: string | null = null,
  help: string | null = null,
) => ({
  severity: "error" as const,
  policy,
  message,
  help,
  ...nowhere,
});

/** A place in a text for people. */
export function positionOf(text: string, at: number) {
  const before = text.slice(0, at).split(/\r\n|\r|\n/);
  const column = before.at(-1)!.length + 1;
  const lineStart = at - column + 1;
  const [rest] = text.slice(lineStart).split(/[\r\n]/, 1);
  const from = Math.max(0, column - EXCERPT_CHARS / 2);
  return { line: before.length, column, excerpt: rest!.slice(from, from + EXCERPT_CHARS) };
}

const charsBefore = (text: string, bytes: number): number =>
  Buffer.from(text).subarray(0, bytes).toString().length;
