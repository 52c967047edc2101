import { Worker } from "node:worker_threads";

const PROOF_MS = 20_000;

/** From sources it lies beside this file, in the package beside the bundle. */
const FILE = import.meta.url.endsWith(".ts") ? "./z3-worker.ts" : "./z3-worker.js";

/** What became of a proof. `sat`: the solver knows a counterexample, which may be a false alarm. */
export type Proof =
  | { readonly said: "unsat" | "sat" }
  | { readonly said: null; readonly reason: string };

/** Asks Z3 (github.com/Z3Prover/z3) in a thread of its own, which ends with its answer: it holds a hundred megabytes. */
export const prove = async (script: string, limit_ms = PROOF_MS): Promise<Proof> =>
  (await proveAll([script], limit_ms))[0]!;

/** The same, one script after the other in one thread; they know nothing of each other. */
export async function proveAll(
  scripts: readonly string[],
  limit_ms = PROOF_MS,
): Promise<readonly Proof[]> {
  const said = await ask(scripts.join("(reset)\n"), limit_ms);
  if ("reason" in said) return scripts.map(() => failed(said.reason));
  const words = said.text.split("\n");
  return scripts.map((_, i) => {
    const word = words[i];
    const isClear = words.length === scripts.length && (word === "unsat" || word === "sat");
    return isClear ? { said: word } : failed(`Z3 says ${said.text.slice(0, 200)}`);
  });
}

type Said = { readonly text: string } | { readonly reason: string };

function ask(script: string, limit_ms: number): Promise<Said> {
  const worker = new Worker(new URL(FILE, import.meta.url), {
    name: "z3",
    // The server's own flags and preloads are not for it.
    execArgv: [],
    workerData: script,
  });
  return new Promise<Said>((resolve) => {
    const end = (reason: string) => resolve({ reason });
    const timer = setTimeout(end, limit_ms, `no answer within ${limit_ms} ms`).unref();
    worker.once("message", (text: string) => resolve({ text }));
    worker.once("error", (error) => end(String(error)));
    worker.once("exit", (code) => end(`the solver ended with ${code}`));
    worker.once("exit", () => clearTimeout(timer));
  }).finally(() => void worker.terminate());
}

const failed = (reason: string): Proof => ({ said: null, reason });
