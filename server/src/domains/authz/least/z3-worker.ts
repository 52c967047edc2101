/** A thread for one proof: a script in SMT-LIB in, the solver's word out. */
import { parentPort, workerData } from "node:worker_threads";
import { init } from "z3-solver";

const { Z3, em } = await init();
const config = Z3.mk_config();
const context = Z3.mk_context(config);
Z3.del_config(config);
const said = await Z3.eval_smtlib2_string(context, workerData as string);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
parentPort!.postMessage(said.trim());
(em as { PThread: { terminateAllThreads(): void } }).PThread.terminateAllThreads();
