import type { PatternPart } from "./est.ts";
import type { Budget } from "./value.ts";

const ANY = null;

/** A pattern as a test: each wildcard stands for any number of characters, none included. */
export function matcher(pattern: readonly PatternPart[]) {
  // Character by character, as literals may stand side by side.
  const parts = pattern.flatMap((part): (string | typeof ANY)[] =>
    part === "Wildcard" ? [ANY] : Array.from(part.Literal),
  );
  return (text: string, budget: Budget): boolean => like(parts, Array.from(text), budget);
}

/** Greedy with one way back, to the last wildcard: at most pattern × text steps. */
function like(
  parts: readonly (string | typeof ANY)[],
  text: readonly string[],
  budget: Budget,
): boolean {
  let [at, part, wildcard, resume] = [0, 0, -1, 0];
  while (at < text.length) {
    budget.spend(1);
    if (part < parts.length && parts[part] === ANY) {
      wildcard = part++;
      resume = at;
    } else if (part < parts.length && parts[part] === text[at]) {
      part++;
      at++;
    } else if (wildcard >= 0) {
      part = wildcard + 1;
      at = ++resume;
    } else return false;
  }
  while (parts[part] === ANY && part < parts.length) part++;
  return part === parts.length;
}
