import { describe, expect, it } from "vitest";
import { formatAddCheckpoint, parseAddCheckpoint } from "../src/index.ts";
import { sampleCheckpoint } from "./samples.ts";

const checkpoint = await sampleCheckpoint(5);
const hash = new Uint8Array(32).fill(7);
const request = { old: 3, proof: [hash, hash], checkpoint };

describe("a request to a witness", () => {
  it("is read back as it was written", () => {
    const text = formatAddCheckpoint(request);
    expect(text).toBe(
      `old 3\n${"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n".repeat(2)}\n${checkpoint}`,
    );
    expect(parseAddCheckpoint(text)).toEqual(request);
    const first = { old: 0, proof: [], checkpoint };
    expect(parseAddCheckpoint(formatAddCheckpoint(first))).toEqual(first);
    const long = { ...request, proof: Array(63).fill(hash) };
    expect(parseAddCheckpoint(formatAddCheckpoint(long))).toEqual(long);
  });

  it.each([
    ["nothing", ""],
    ["no old size", `\n\n${checkpoint}`],
    ["a size with a zero before", `old 03\n\n${checkpoint}`],
    ["a negative size", `old -1\n\n${checkpoint}`],
    ["a size with a space after", `old 3 \n\n${checkpoint}`],
    ["a size of 2^53", `old 9007199254740992\n\n${checkpoint}`],
    ["a hash of 31 bytes", `old 3\n${Buffer.alloc(31).toString("base64")}\n\n${checkpoint}`],
    ["a hash in base64url", `old 3\n${"_".repeat(43)}=\n\n${checkpoint}`],
    ["64 hashes", formatAddCheckpoint({ ...request, proof: Array(64).fill(hash) })],
    ["no empty line", `old 3\n${checkpoint.split("\n")[0]}`],
  ])("is refused with %s", (_, text) => {
    expect(() => parseAddCheckpoint(text)).toThrow(/no add-checkpoint request/);
  });
});
