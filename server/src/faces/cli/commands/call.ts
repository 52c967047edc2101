import { parseJson } from "#verifier";
import type { CommandCall, Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { printLines } from "../print.ts";
import { usage } from "../refusals.ts";
import { type Session, withSession } from "../session.ts";

export const callOperation: Run = (command) =>
  withSession(command, async (session) => {
    const [name, text] = command.operands;
    const input = parse(text ?? "{}");
    if (session.find(name!).kind === "stream") await printItems(session, name!, input, command);
    else {
      const { output, id, requestId, place } = await session.call(name!, input, given(command));
      const told = { output, call: id, request_id: requestId, place };
      process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
    }
    return EXIT.done;
  });

/** One line an item, until the stream ends or somebody stops the command. */
async function printItems(
  { follow }: Session,
  name: string,
  input: unknown,
  command: CommandCall,
): Promise<void> {
  const stopping = new AbortController();
  const { untilStopped } = await import("../until-stopped.ts");
  void untilStopped().then(() => stopping.abort());
  const items = await follow(name, input, { ...given(command), signal: stopping.signal });
  await printLines(items);
}

/** What other faces take in headers. */
const given = ({ values }: CommandCall) => ({
  requestId: values["request-id"] as string | undefined,
  idempotencyKey: values["idempotency-key"] as string | undefined,
});

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw usage("call", "the input is not JSON; quote it for your shell: '{\"limit\": 5}'");
  }
}
