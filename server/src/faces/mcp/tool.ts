import { z } from "zod";
import type { Operation } from "#pipeline";
import type { Json } from "../json-schema.ts";
import * as limits from "./limits.ts";
import { toolNameOf } from "./names.ts";
import { inputSchemaOf, type ObjectSchema, outputSchemaOf } from "./schema.ts";

/** A tool as `tools/list` shows it. */
export interface Tool {
  readonly name: string;
  /** The operation's own name. */
  readonly title: string;
  readonly description: string;
  readonly inputSchema: ObjectSchema;
  readonly outputSchema: ObjectSchema;
  readonly annotations: {
    readonly readOnlyHint: boolean;
    readonly destructiveHint: boolean;
    readonly idempotentHint: boolean;
    readonly openWorldHint: boolean;
  };
}

/** The tool that an operation is; nothing about it is written by hand. */
export function toolOf(operation: Operation): Tool {
  return {
    name: toolNameOf(operation.name),
    title: operation.name,
    description: `${operation.summary} ${boundsOf(operation)}`,
    inputSchema: inputOf(operation),
    outputSchema:
      operation.kind === "stream" ? itemsOf(operation) : outputSchemaOf(operation.output),
    annotations: hintsOf(operation),
  };
}

function boundsOf({ kind, page, name, agents, ends }: Operation): string {
  if (agents === "never") return "For people only: agents may not call it.";
  if (kind === "write")
    return `Changes something: needs an agent session whose \`writes\` covers \`${name}\`, counts against its budget, and a policy may want a person's approval first.`;
  if (ends !== undefined)
    return `Ends by itself, or is cut off after ${ends.seconds_max} seconds (\`seconds_max\` for less), and then nothing came of it: \`ended\` says. Give a progress token to be told how far it is.`;
  if (kind === "stream")
    return `Ends after ${limits.STREAM_EVENTS} items (\`events_max\`, at most ${limits.STREAM_EVENTS_MAX}) or ${limits.STREAM_SECONDS} seconds (\`seconds_max\`, at most ${limits.STREAM_SECONDS_MAX}); \`next\` says where another call goes on.`;
  return page === undefined
    ? "Reads only."
    : "Reads only, a page of at most 200 items; `next_cursor` leads to the next.";
}

/** What says 201 adds; every other write replaces or removes. */
function hintsOf({ kind, rest, status }: Operation): Tool["annotations"] {
  const reads = kind !== "write";
  return {
    readOnlyHint: reads,
    destructiveHint: !reads && status !== 201,
    idempotentHint: reads || !rest.startsWith("POST "),
    openWorldHint: false,
  };
}

function inputOf({ kind, input, ends }: Operation): ObjectSchema {
  const schema = inputSchemaOf(input);
  if (kind !== "stream") return schema;
  const most = ends?.seconds_max;
  const bounds = most === undefined ? BOUNDS : { seconds_max: bound(CUT_OFF, most, most) };
  const properties = { ...(schema["properties"] as Json), ...bounds };
  return { ...schema, properties };
}

const bound = (description: string, usual: number, maximum: number): Json => ({
  type: "integer",
  minimum: 1,
  maximum,
  default: usual,
  description,
});

const CUT_OFF = "Cut it off after this time";
const BOUNDS: Json = {
  events_max: bound("End after so many", limits.STREAM_EVENTS, limits.STREAM_EVENTS_MAX),
  seconds_max: bound("End after this time", limits.STREAM_SECONDS, limits.STREAM_SECONDS_MAX),
};

const itemsOf = ({ output, resume, ends }: Operation): ObjectSchema =>
  outputSchemaOf(output, (item) => ({
    type: "object",
    required: ["items", "next", ...(ends === undefined ? [] : Object.keys(ENDED))],
    properties: {
      items: { type: "array", items: item },
      next: {
        type: ["string", "number", "null"],
        description:
          resume === undefined
            ? "Always null: this stream cannot go on"
            : `Give it as \`${resume.input}\` to go on after these; null: from the start of what comes`,
      },
      ...(ends === undefined ? {} : ENDED),
    },
    additionalProperties: false,
  }));

const ENDED: Json = {
  ended: {
    type: "boolean",
    description: "False: it was cut off before its last item, so nothing came of it; ask for less",
  },
  left_out: { type: "integer", description: "Items before the last that there was no room for" },
};

/** Whether the operation itself takes a bound. */
export const takes = ({ input }: Operation, field: string): boolean =>
  input instanceof z.ZodObject && Object.hasOwn(input.shape, field);
