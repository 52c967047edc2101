import type { WitnessAnswer } from "../../system.ts";
import type { Run } from "../command.ts";
import { EXIT } from "../exit.ts";
import { print } from "../print.ts";
import { withSession } from "../session.ts";

/** Asks every witness about the project's log: the way to find out what a database that refuses to sign lacks. */
export const witnesses: Run = (command) =>
  withSession(command, async ({ system, call }) => {
    const me = (await call("control-plane.me.get", {})).output as { project: { id: string } };
    const answers = await system.askWitnesses(me.project.id);
    const advice = adviceOn(answers);
    const shown = { project: me.project.id, witnesses: answers.map(shownOf), advice };
    print(command.json, shown, () => [...answers.map(line), advice].join("\n"));
    return answers.some(({ said }) => SEEN_OTHERWISE.has(said.what)) ? EXIT.refused : EXIT.done;
  });

const SEEN_OTHERWISE: ReadonlySet<string> = new Set(["ahead", "disagrees"]);

function adviceOn(answers: readonly WitnessAnswer[]): string {
  if (answers.length === 0) return "No witness is named: set SEALBASE_WITNESS_POLICY.";
  const sizes = answers.flatMap(({ said }) => (said.what === "ahead" ? [said.size] : []));
  if (answers.some(({ said }) => said.what === "disagrees"))
    return "The stored log is not the one that was cosigned. Keep this database as evidence and restore another.";
  if (sizes.length > 0)
    return `This database is an older copy. Restore one that has at least ${Math.max(...sizes)} entries.`;
  return "No witness that answered has seen more than this database holds.";
}

const shownOf = ({ witness, said }: WitnessAnswer) => ({
  witness,
  what: said.what,
  ...("size" in said ? { size: said.size } : {}),
  ...("why" in said ? { why: said.why } : {}),
});

function line({ witness, said }: WitnessAnswer): string {
  const more = "size" in said ? `at ${said.size}` : "why" in said ? said.why : "";
  return `${witness.padEnd(12)}${said.what.padEnd(12)}${more}`.trimEnd();
}
