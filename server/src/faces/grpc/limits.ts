/** As for a REST body, before and after decompression. */
export const MESSAGE_BYTES_MAX = 1_048_576;
/** Flags and length, before a message in gRPC's framing. */
export const ENVELOPE_BYTES = 5;
/** Health and reflection ask in a few words; also bounds what a stream of them may hold. */
export const QUESTION_BYTES_MAX = 4_096;
/** Of one reflection stream. */
export const QUESTIONS_MAX = 1_000;
/** Answers below are sent as they are: compressing costs more than it saves. */
export const COMPRESS_BYTES_MIN = 8_192;
/** The longest deadline that a timer can hold; a longer one is refused. */
export const DEADLINE_MS_MAX = 2_147_483_647;
/** A request that has not come whole by then, as on the HTTP port. */
export const REQUEST_MS_MAX = 60_000;
/** A client that was answered before it had sent all has this long to stop. */
export const LEAVING_MS = 1_000;
/** A reader that takes nothing for this long, while there is something to take, has gone. */
export const STALLED_MS = 60_000;
/** Of a refusal's facts, in bytes of JSON: clients take 8 KiB of trailers. */
export const FACTS_BYTES_MAX = 3_000;
/** Of one fact in google.rpc.ErrorInfo, in characters. */
export const FACT_LENGTH_MAX = 200;

/** One client's calls at once; further streams are refused and tried again by the client. */
export const STREAMS_MAX = 128;
export const CONNECTIONS_MAX = 1_000;
export const SESSION_MEMORY_MB_MAX = 10;
/** The time for the first bytes of a connection (HTTP/2 preface, TLS handshake). */
export const GREETING_MS = 10_000;
/** A connection must answer a ping by the next one, and ends when it made no call for so long. */
export const PING_MS = 30_000;
export const IDLE_MS = 300_000;
/** What is under way when the server stops has this long. */
export const CLOSING_MS = 10_000;
/** Streams that a client may cancel at once, and then per second (CVE-2023-44487). */
export const RESETS_AT_ONCE_MAX = 200;
export const RESETS_PER_S_MAX = 50;
/** How long a health answer is kept, and how often a watcher is told of a change. */
export const HEALTH_MS = 1_000;
export const WATCHERS_MAX = 256;
