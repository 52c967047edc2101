/**
 * What differs between two equal worlds, replaced: ids, keys, hashes and signatures by placeholders numbered by where
 * they come first, so that the same one stays the same; times of this century by one. The rest has to be equal.
 * @param actors the caller's own names
 */
export function withPlaceholders(value: unknown, actors: readonly string[]): unknown {
  const names = new Map<string, string>();
  const nameOf = (text: string): string => {
    const kind = KINDS.find(([pattern]) => pattern.test(text))?.[1] ?? "digest";
    return kind === "time" ? "<time>" : numbered(kind, text);
  };
  const numbered = (kind: string, text: string): string => {
    let name = names.get(text);
    if (name === undefined) names.set(text, (name = `<${kind} ${names.size + 1}>`));
    return name;
  };
  const replaced = (text: string): string =>
    actors
      .reduce((rest, actor) => rest.replaceAll(actor, "<caller>"), text)
      .replaceAll(CHANGING, nameOf);
  const walk = (part: unknown): unknown => {
    if (typeof part === "string") return replaced(part);
    if (Array.isArray(part)) return part.map(walk);
    if (typeof part !== "object" || part === null) return part;
    // How often the root log came by is chance.
    if ("sealed_heads" in part && part.sealed_heads !== SOME)
      return walk({ ...part, sealed_heads: SOME });
    const sorted = Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      sorted.map(([name, inner]) => [
        name,
        // Of a key: nothing about it says so.
        name === "prefix" ? numbered(name, inner) : walk(inner),
      ]),
    );
  };
  return walk(value);
}

const SOME = "<some>";
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const TIME = /20\d\d-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)/;
const KEY = /(?:sk|as|whsec)_[\w+/=-]+/;
/** Hex, base64, the short hash in a verifier key, and that of a project in the names of row policies. */
const DIGEST =
  /[0-9a-f]{64}|(?<=sealbase_)[0-9a-f]{24}|[A-Za-z0-9+/]{40,}={0,2}|(?<=\+)[0-9a-f]{8}(?=\+)/;

/** The root log is one for all worlds: where an entry of it stands is chance. */
const ROOT_RECEIPT = /c2sp\.org\/tlog-proof@v1\n(?:.+\n)+\n.+\/log\/root\n(?:.*\n)*/;

const CHANGING = new RegExp(
  [ROOT_RECEIPT, UUID, TIME, KEY, DIGEST].map(({ source }) => source).join("|"),
  "g",
);
const whole = ({ source }: RegExp) => new RegExp(`^(?:${source})$`);
const KINDS = [
  [whole(UUID), "id"],
  [whole(TIME), "time"],
  [whole(KEY), "key"],
] as const;
