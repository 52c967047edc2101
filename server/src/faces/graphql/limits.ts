/** What one GraphQL request may ask for. Whatever is above is refused before anything is looked up. */

export const DOCUMENT_CHARACTERS_MAX = 100_000;
export const TOKENS_MAX = 5_000;
/** Nested braces, brackets and parentheses as written; the parser is recursive. */
export const BRACKETS_DEPTH_MAX = 64;
/** Fields in fields, fragments unfolded. What introspection needs, and 5 more. */
export const DEPTH_MAX = 20;
/** Fields, inline fragments and spreads: as written in the whole document, and unfolded in one operation. */
export const SELECTIONS_MAX = 1_000;
export const ALIASES_MAX = 100;
export const DIRECTIVES_MAX = 100;
/** A call is a transaction, a decision and its record; a field is a word in the answer. */
export const CALL_COST = 10;
/** A full array of 1,000 payments with everything about them, or 20 full pages with some fields each. */
export const COST_MAX = 20_000;
/** Introspection lists every type with every field: as if each field of its selection came so often. */
export const INTROSPECTION_ITEMS = 50;

/** Documents that are kept parsed, by their characters altogether; syntax trees take some thirty times that. */
export const KEPT_CHARACTERS_MAX = 500_000;

export const SOCKETS_MAX = 1_000;
export const SOCKET_FRAME_BYTES_MAX = 262_144;
/** Operations that one socket may have under way. */
export const SOCKET_OPERATIONS_MAX = 20;
export const SOCKET_INIT_MS = 10_000;
export const SOCKET_PING_MS = 30_000;
