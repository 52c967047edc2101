import type { PatternPart } from "./est.ts";
import type { Budget } from "./value.ts";

const ANY = null;

/** A pattern as a test: each wildcard stands for any number of characters, none included. */
export function matcher(pattern: readonly PatternPart[]) {
  // Character by character, as literals may stand side by side.
  const parts = pattern.flatMap((part): (number | typeof ANY)[] =>
    part === "Wildcard" ? [ANY] : Array.from(part.Literal, (character) => codeAt(character, 0)),
  );
  return (text: string, budget: Budget): boolean => like(parts, text, budget);
}

/**
 * Greedy with one way back, to the last wildcard: at most pattern × text steps. The text is read where it stands: what is cut
 * up before costs its whole length, also where the first character settles it.
 */
function like(parts: readonly (number | typeof ANY)[], text: string, budget: Budget): boolean {
  let [at, part, wildcard, resume] = [0, 0, -1, 0];
  while (at < text.length) {
    budget.spend(1);
    if (part < parts.length && parts[part] === ANY) {
      wildcard = part++;
      resume = at;
    } else if (part < parts.length && parts[part] === codeAt(text, at)) {
      part++;
      at += unitsAt(text, at);
    } else if (wildcard >= 0) {
      part = wildcard + 1;
      resume += unitsAt(text, resume);
      at = resume;
    } else return false;
  }
  while (parts[part] === ANY && part < parts.length) part++;
  return part === parts.length;
}

const codeAt = (text: string, at: number): number => text.codePointAt(at)!;

/** UTF-16 units of the character there. */
const unitsAt = (text: string, at: number): number => (codeAt(text, at) > 0xffff ? 2 : 1);
