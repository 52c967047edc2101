import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { cancelled } from "#pipeline";
import { ENVELOPE_BYTES, MESSAGE_BYTES_MAX, REQUEST_MS_MAX } from "./limits.ts";
import { tooLarge, tooSlow } from "./refusals.ts";

const BYTES_MAX = MESSAGE_BYTES_MAX + ENVELOPE_BYTES;
const BYTES_FIRST = 4_096;

/** The whole body, in one piece however small the pieces were that it came in. Refuses what is too large or too slow. */
export function bodyOf(
  request: IncomingMessage | Http2ServerRequest,
  wait_ms = REQUEST_MS_MAX,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.allocUnsafe(BYTES_FIRST);
    let size = 0;
    const end = (settle: () => void) => {
      clearTimeout(timer);
      request.off("data", add).off("end", whole).off("close", gone).off("error", gone).pause();
      settle();
    };
    const add = (chunk: Buffer) => {
      const needed = size + chunk.length;
      if (needed > BYTES_MAX) return end(() => reject(tooLarge()));
      if (needed > bytes.length) bytes = grown(bytes, needed);
      chunk.copy(bytes, size);
      size = needed;
    };
    const whole = () => end(() => resolve(bytes.subarray(0, size)));
    const gone = () => end(() => reject(cancelled()));
    const timer = setTimeout(() => end(() => reject(tooSlow())), wait_ms);
    request.on("data", add).once("end", whole).once("close", gone).once("error", gone);
  });
}

function grown(bytes: Buffer, needed: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(BYTES_MAX, Math.max(needed, bytes.length * 2)));
  bytes.copy(larger);
  return larger;
}
