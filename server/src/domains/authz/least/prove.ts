import { Worker } from "node:worker_threads";

const PROOF_MS = 20_000;

/** From sources it lies beside this file, in the package beside the bundle. */
const FILE = import.meta.url.endsWith(".ts") ? "./z3-worker.ts" : "./z3-worker.js";

/** What became of a proof. `sat`: the solver knows a counterexample, which may be a false alarm. */
export type Proof =
  | { readonly said: "unsat" | "sat" }
  | { readonly said: null; readonly reason: string };

/** Asks Z3 (github.com/Z3Prover/z3) in a thread of its own, which ends with its answer: it holds a hundred megabytes. */
export function prove(script: string, limit_ms = PROOF_MS): Promise<Proof> {
  const worker = new Worker(new URL(FILE, import.meta.url), {
    name: "z3",
    // The server's own flags and preloads are not for it.
    execArgv: [],
    workerData: script,
  });
  return new Promise<Proof>((resolve) => {
    const timer = setTimeout(() => resolve(failed(`no answer within ${limit_ms} ms`)), limit_ms);
    const settle = (proof: Proof) => {
      clearTimeout(timer);
      resolve(proof);
    };
    worker.once("message", (said: string) =>
      settle(
        said === "unsat" || said === "sat" ? { said } : failed(`Z3 says ${said.slice(0, 200)}`),
      ),
    );
    worker.once("error", (error) => settle(failed(String(error))));
    worker.once("exit", (code) => settle(failed(`the solver ended with ${code}`)));
  }).finally(() => void worker.terminate());
}

const failed = (reason: string): Proof => ({ said: null, reason });
