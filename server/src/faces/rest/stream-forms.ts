import type { Refusal } from "#kernel/refusal.ts";
import type { Operation } from "#pipeline";
import { itemText } from "../item-text.ts";
import { problemOf } from "./problem.ts";

/** How the items of a stream are written into an answer. */
export interface StreamForm {
  readonly type: string;
  /** Before the first item, so that the reader knows that it began. */
  readonly open: string;
  item(item: object, resume: Operation["resume"]): string;
  /** After the last one. */
  readonly end: string;
  refusal(refusal: Refusal, requestId: string): string;
}

/** Server-sent events (HTML Living Standard, 9.2). */
const EVENTS: StreamForm = {
  type: "text/event-stream",
  open: ": open\n\n",
  item(item, resume) {
    const id = resume === undefined ? "" : `id: ${resume.offset(item as never)}\n`;
    return `${id}data: ${itemText(item)}\n\n`;
  },
  end: "event: end\ndata: {}\n\n",
  refusal: (refusal, requestId) =>
    `event: refusal\ndata: ${JSON.stringify(problemOf(refusal, requestId))}\n\n`,
};

/** One JSON text a line, for files and pipes; a line `{"refusal":…}` is the last one when no more may come. */
const LINES: StreamForm = {
  type: "application/x-ndjson",
  open: "",
  item: (item) => `${itemText(item)}\n`,
  end: "",
  refusal: (refusal, requestId) =>
    `${JSON.stringify({ refusal: problemOf(refusal, requestId) })}\n`,
};

/** What a stream can be had as, the usual form first. */
export const STREAM_TYPES: readonly string[] = [EVENTS.type, LINES.type];

/** The form that an Accept header asks for; lines only when it names them. Undefined when it takes neither. */
export function formOf(accept: string): StreamForm | undefined {
  if (TAKES_LINES.test(accept)) return LINES;
  return TAKES_EVENTS.test(accept) ? EVENTS : undefined;
}

const TAKES_LINES = /(?:^|,)\s*application\/x-ndjson\s*(?:;|,|$)/i;
const TAKES_EVENTS = /(?:^|,)\s*(?:text\/event-stream|text\/\*|\*\/\*)\s*(?:;|,|$)/i;
