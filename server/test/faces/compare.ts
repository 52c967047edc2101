/** Where two values differ, a line a place; nothing when they are the same. */
export function differences(wanted: unknown, found: unknown, at = ""): string[] {
  if (isObject(wanted) && isObject(found) && Array.isArray(wanted) === Array.isArray(found)) {
    const names = new Set([...Object.keys(wanted), ...Object.keys(found)]);
    return [...names].flatMap((name) =>
      differences(wanted[name], found[name], at === "" ? name : `${at}.${name}`),
    );
  }
  return Object.is(wanted, found) ? [] : [`${at}: ${shown(found)} instead of ${shown(wanted)}`];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const shown = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 300);
