import { type RawBuilder, sql } from "kysely";
import { Unsupported } from "./unsupported.ts";

/** A value of a statement: it travels beside the text, and is never a part of it. */
export class Param {
  readonly value: Bound;
  /** A type of `pg_catalog`. */
  readonly type: string;
  constructor(value: Bound, type: string) {
    this.value = value;
    this.type = type;
  }
}

/** Integers travel as text: PostgreSQL's are longer than JavaScript's. */
export type Bound = string | readonly string[];

/** A piece of SQL, with its values in their places. */
export type Fragment = readonly (string | Param)[];

/** `frag` joins text and pieces: ``frag`${a} and ${b}` ``. */
export const frag = (
  texts: readonly string[],
  ...pieces: readonly (string | Fragment | Param)[]
): Fragment =>
  texts.flatMap((text, i) => {
    const piece = pieces[i];
    if (piece === undefined) return [text];
    return typeof piece === "string" || piece instanceof Param ? [text, piece] : [text, ...piece];
  });

export const join = (fragments: readonly Fragment[], separator: string): Fragment =>
  fragments.flatMap((fragment, i) => (i === 0 ? [...fragment] : [separator, ...fragment]));

/** Text with `$1`, `$2` … and what they stand for; it may begin at a later number, behind the values of a caller's own. */
export function withParams(fragment: Fragment, first = 1): { text: string; params: Bound[] } {
  const params: Bound[] = [];
  const text = fragment
    .map((piece) => {
      if (typeof piece === "string") return piece;
      params.push(piece.value);
      return `$${first + params.length - 1}::${piece.type}`;
    })
    .join("");
  return { text, params };
}

/** The same as a Kysely expression, for a `where` of one's own. */
export function kyselyOf(fragment: Fragment): RawBuilder<boolean> {
  const texts = [""];
  const values: Bound[] = [];
  for (const piece of fragment)
    if (typeof piece === "string") texts[texts.length - 1] += piece;
    else {
      values.push(piece.value);
      texts.push(`::${piece.type}`);
    }
  return sql<boolean>(Object.assign(texts, { raw: texts }), ...values);
}

/** With values written out, for what PostgreSQL stores as text. */
export const withLiterals = (fragment: Fragment): string =>
  fragment
    .map((piece) => {
      if (typeof piece === "string") return piece;
      const { value, type } = piece;
      if (typeof value === "string") return `${literal(value)}::${type}`;
      return `array[${value.map(literal).join(", ")}]::${type}`;
    })
    .join("");

/** Read alike whatever `standard_conforming_strings` says. */
export const literal = (text: string): string => {
  const quoted = `'${text.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
  return text.includes("\\") ? `E${quoted}` : quoted;
};

const NAME_BYTES_MAX = 63;

/** A name of a table or column. PostgreSQL would cut a longer one, to the name of something else. */
export function quoted(name: string): string {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes < 1 || bytes > NAME_BYTES_MAX || name.includes("\0") || !name.isWellFormed())
    throw new Unsupported("text", `a name has 1 to ${NAME_BYTES_MAX} bytes: ${name.slice(0, 80)}`);
  return `"${name.replaceAll('"', '""')}"`;
}

/** PostgreSQL's text has no zero character, and UTF-8 no half of a surrogate pair: nothing there equals such a value. */
export function storable(text: string): string {
  if (text.includes("\0") || !text.isWellFormed())
    throw new Unsupported("text", "a text with a zero character or half of a surrogate pair");
  return text;
}
