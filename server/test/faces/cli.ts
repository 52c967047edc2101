import { runCli } from "#faces/cli/cli.ts";
import type { System } from "#faces/system.ts";
import { operations } from "../../src/main.ts";
import type { TestSystem } from "../system.ts";
import { type Answer, type Face, NOBODYS_KEY } from "./face.ts";

/** `sealbase call` as somebody types it, on the test's system; one at a time, since there is one standard output. */
export function cli({ parts }: TestSystem): Face {
  const system = { parts, operations, stop: async () => undefined } as unknown as System;
  const program = { openSystem: async () => system, operations: async () => operations };
  let last: Promise<unknown> = Promise.resolve();
  return {
    name: "CLI",
    home: "cli",
    call({ name, kind }, input, { key = NOBODYS_KEY }, requestId) {
      const words = ["call", name, JSON.stringify(input), "--json"];
      const options = ["--key", key, "--request-id", requestId];
      const run = last.then(() => printed(() => runCli([...words, ...options], program)));
      last = run.catch(() => undefined);
      return run.then(({ code, out, error }) => answerOf(kind, code, out, error));
    },
  };
}

function answerOf(kind: string, code: number, out: string, error: string): Answer {
  if (code !== 0) return { code: JSON.parse(error).code, callId: undefined };
  const lines = out.trim().split("\n");
  if (kind === "stream")
    return { output: lines.map((line) => JSON.parse(line)), callId: undefined };
  const { output, call } = JSON.parse(out);
  return { output, callId: call };
}

const WARNING = /^\(node:\d+\) |^\(Use `node --trace/;

interface Printed {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

export async function printed(run: () => Promise<number>): Promise<Printed> {
  const texts = { stdout: "", stderr: "" };
  const streams = ["stdout", "stderr"] as const;
  const before = streams.map((name) => process[name].write);
  for (const name of streams)
    process[name].write = ((text: string) => {
      // A warning of Node is about this whole process of tests, and is told once.
      if (WARNING.test(text)) return before[1]!.call(process.stderr, text);
      texts[name] += text;
      return true;
    }) as never;
  try {
    return { code: await run(), out: texts.stdout, error: texts.stderr };
  } finally {
    for (const [at, name] of streams.entries()) process[name].write = before[at]!;
  }
}
