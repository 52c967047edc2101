import { Readable } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { boundedLines } from "./lines.ts";

const BYTES_MAX = 100;

/** What comes through, and the codes of what does not, for a text that arrives in these chunks. */
async function through(chunks: readonly Buffer[]): Promise<[string, string[]]> {
  const codes: string[] = [];
  const lines = boundedLines(BYTES_MAX, ({ code }) => codes.push(code));
  let text = "";
  for await (const chunk of Readable.from(chunks).pipe(lines)) text += chunk;
  return [text, codes];
}

const LONG = "x".repeat(BYTES_MAX + 1);
const DEEP = "[".repeat(65);

test.each<[string, string, string, string[]]>([
  ["a line", "{}\n", "{}\n", []],
  ["a line that is as long as may be", `${LONG.slice(1)}\n`, `${LONG.slice(1)}\n`, []],
  ["one that is longer, between two", `1\n${LONG}\n2\n`, "1\n2\n", ["request/mcp_line_too_long"]],
  ["one that is deeper, between two", `1\n${DEEP}\n2\n`, "1\n2\n", ["request/mcp_line_too_deep"]],
  ["one that never ends", LONG.repeat(1_000), "", []],
])("%s", async (_, text, out, codes) => {
  expect(await through([Buffer.from(text)])).toEqual([out, codes]);
});

test("however a text is cut, the same comes through", async () => {
  const line = fc.oneof(fc.constantFrom(LONG, DEEP, "", "é{}"), fc.string({ maxLength: 20 }));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat(50)), async (lines, cuts) => {
      const whole = Buffer.from(lines.map((one) => `${one.replaceAll("\n", " ")}\n`).join(""));
      const chunks: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) chunks.push(whole.subarray(at, (at += cut)));
      chunks.push(whole.subarray(at));
      expect(await through(chunks)).toEqual(await through([whole]));
    }),
  );
});
