import { Transform } from "node:stream";
import type { Refusal } from "#kernel/refusal.ts";
import { DEPTH_MAX, depthOf } from "../rest/json.ts";
import { tooDeepLine, tooLongLine } from "./refusals.ts";

const NEWLINE = 0x0a;

/** Lets through lines of bounded length and depth, and tells of each that it holds back. */
export function boundedLines(bytesMax: number, heldBack: (refusal: Refusal) => void): Transform {
  let parts: Buffer[] = [];
  let bytes = 0;
  const add = (part: Buffer): void => {
    bytes += part.length;
    // Of a line that is too long already nothing is kept but its length.
    if (bytes <= bytesMax) parts.push(part);
    else parts = [];
  };
  const end = (): Buffer | undefined => {
    const line = Buffer.concat(parts);
    const tooLong = bytes > bytesMax;
    parts = [];
    bytes = 0;
    if (tooLong) heldBack(tooLongLine(bytesMax));
    else if (depthOf(line.toString()) > DEPTH_MAX) heldBack(tooDeepLine(DEPTH_MAX));
    else return Buffer.concat([line, Buffer.of(NEWLINE)]);
    return undefined;
  };
  return new Transform({
    transform(chunk: Buffer, _, done) {
      let start = 0;
      for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, start)) {
        add(chunk.subarray(start, at));
        const line = end();
        if (line !== undefined) this.push(line);
        start = at + 1;
      }
      add(chunk.subarray(start));
      done();
    },
  });
}
