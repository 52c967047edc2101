import type { Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { usage } from "../refusals.ts";
import { withSession } from "../session.ts";

export const callOperation: Run = (command) =>
  withSession(command, async ({ call }) => {
    const [name, input] = command.operands;
    const { output, id, requestId, place } = await call(name!, parse(input ?? "{}"));
    process.stdout.write(
      `${JSON.stringify({ output, call: id, request_id: requestId, place }, null, 2)}\n`,
    );
    return EXIT.done;
  });

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw usage("call", "the input is not JSON; quote it for your shell: '{\"limit\": 5}'");
  }
}
