import type { Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { print } from "../print.ts";
import { withSession } from "../session.ts";

/** The command of an operation that takes one id. */
export const mirrorOf =
  (operation: string): Run =>
  (command) =>
    withSession(command, async ({ call }) => {
      const { output } = await call(operation, { id: command.operands[0] });
      print(command.json, output, () => textOf(output as Shown));
      return (output as Shown).agrees === false ? EXIT.refused : EXIT.done;
    });

type Shown = { readonly text?: string; readonly receipt?: string; readonly agrees?: boolean };

/** What an output has for people; its JSON when it has nothing. */
function textOf(output: Shown): string {
  return output.text ?? output.receipt?.trimEnd() ?? JSON.stringify(output, null, 2);
}
