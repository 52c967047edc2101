/** Everything that bounds the MCP face; bodies and depth have the limits of REST. */

/** Requests under way on one server, and of one project: past them a caller is told to come back. */
export const REQUESTS_MAX = 1_024;
export const REQUESTS_PER_PROJECT_MAX = 256;

/** A tool that follows a stream ends after so many items, so much time or so much text, whichever comes first. */
export const STREAM_EVENTS = 100;
export const STREAM_EVENTS_MAX = 1_000;
/** Of streams that count for themselves, too, with what they do not count. */
export const STREAM_ITEMS_MAX = 2_000;
export const STREAM_SECONDS = 5;
export const STREAM_SECONDS_MAX = 30;
export const STREAM_CHARACTERS_MAX = 1_048_576;

/** Of one argument of a prompt. */
export const PROMPT_ARGUMENT_CHARACTERS_MAX = 2_000;

/** What hosts of models take as a tool's name. */
export const TOOL_NAME_CHARACTERS_MAX = 64;
