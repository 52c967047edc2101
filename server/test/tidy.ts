import { dirname, join, normalize } from "node:path";

/** The rules of the house as pure functions: files in, one line for each breach out. */
export interface File {
  readonly path: string;
  readonly text: string;
}

/** What each layer may import. Read it from the floor up. */
const LAYERS: Record<string, readonly string[]> = {
  kernel: [],
  pipeline: ["kernel"],
  domains: ["kernel", "pipeline"],
  witness: ["kernel"],
  faces: ["kernel", "pipeline", "witness"],
  "main.ts": ["kernel", "pipeline", "domains", "faces"],
  "command.ts": ["kernel", "faces", "main.ts"],
};

/** Which domain may call which, by its index.ts alone. The ledger verifies which decisions, scores, payments, calls, entries of the vault and rows of the registries were sealed; the feed tells of entries and decisions; audits, deliveries and the watch for drift are jobs, and its points are kept with the geometry of risk; the key of an agent session signs in like any. */
const DOMAINS: Record<string, readonly string[]> = {
  agents: [],
  "control-plane": ["agents"],
  authz: ["ops", "risk"],
  risk: [],
  security: [],
  ops: [],
  ledger: ["authz", "risk", "security", "telemetry", "ops", "vault", "registries"],
  telemetry: ["authz", "risk"],
  vault: [],
  registries: [],
  feed: ["authz", "ledger"],
  webhooks: ["feed", "ops", "security"],
};

const LINES_MAX = 500;
const SOURCE = "server/src/";

/** Everything that a file imports: static, type-only, re-exported, dynamic, or as a type expression. */
export const specifiersOf = (text: string): string[] =>
  [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']/g)].map(([, spec]) => spec!);

function resolve(from: string, spec: string): string | undefined {
  if (spec.startsWith(".")) return normalize(join(dirname(from), spec));
  if (spec === "#pipeline") return `${SOURCE}pipeline/index.ts`;
  if (spec === "#verifier" || spec.startsWith("#verifier/")) return undefined;
  if (spec.startsWith("#domains/")) return `${SOURCE}domains/${spec.slice(9)}/index.ts`;
  return spec.startsWith("#") ? `${SOURCE}${spec.slice(1)}` : undefined;
}

const layerOf = (path: string): string => path.slice(SOURCE.length).split("/")[0]!;
const domainOf = (path: string): string | undefined =>
  layerOf(path) === "domains" ? path.slice(SOURCE.length).split("/")[1] : undefined;

export function importErrors(files: readonly File[]): string[] {
  return files
    .filter(({ path }) => !path.endsWith(".test.ts"))
    .flatMap(({ path, text }) =>
      specifiersOf(text).flatMap((spec) => importError(path, spec, resolve(path, spec)) ?? []),
    );
}

function importError(path: string, spec: string, to: string | undefined): string | undefined {
  if (to === undefined) return undefined;
  if (!to.startsWith(SOURCE)) return `${path}: reaches out of server/src (${spec})`;
  const [from, into] = [layerOf(path), layerOf(to)];
  const [own, other] = [domainOf(path), domainOf(to)];
  if (own !== undefined && DOMAINS[own] === undefined)
    return `${path}: ${own} is not in the table of domains`;
  if (from !== into && !LAYERS[from]?.includes(into))
    return `${path}: ${from} may not import ${into} (${spec})`;
  if (other === undefined || own === other) return undefined;
  if (!to.endsWith(`${other}/index.ts`)) return `${path}: enter ${other} by its index.ts (${spec})`;
  if (own !== undefined && !DOMAINS[own]?.includes(other))
    return `${path}: ${own} may not call ${other}: add the arrow to the table with a reason, if there is one`;
  return undefined;
}

export function circles(table: Record<string, readonly string[]> = DOMAINS): string[] {
  const found: string[] = [];
  const visit = (domain: string, way: readonly string[]): void => {
    if (way[0] === domain) found.push([...way, domain].join(" -> "));
    else if (!way.includes(domain))
      for (const next of table[domain] ?? []) visit(next, [...way, domain]);
  };
  for (const domain of Object.keys(table)) visit(domain, []);
  return found;
}

export function strangersIn(files: readonly File[]): string[] {
  return files.flatMap(({ path, text }) => {
    const [workspace] = path.split("/");
    return specifiersOf(text)
      .filter(
        (spec) =>
          (spec.startsWith("@sealbase/") && spec !== `@sealbase/${workspace}`) ||
          (spec.startsWith(".") &&
            !normalize(join(dirname(path), spec)).startsWith(`${workspace}/`)),
      )
      .map((spec) => `${path}: imports ${spec}`);
  });
}

export const longFiles = (files: readonly File[]): string[] =>
  files
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path}: ${lines} lines; split it where the words change`);

export function numberLine(paths: readonly string[]): string[] {
  const scripts = paths.filter((path) => path.includes("/migrations/"));
  const has = new Set(scripts);
  const errors = scripts.flatMap((path) => {
    const [own, twin] = path.endsWith(".up.sql")
      ? [".up.sql", ".down.sql"]
      : [".down.sql", ".up.sql"];
    return has.has(path.replace(own, twin)) ? [] : [`${path} has no ${twin}`];
  });
  const numbers = scripts
    .filter((path) => path.endsWith(".up.sql"))
    .map((path) => Number(/(\d{4})_[^/]*$/.exec(path)?.[1]))
    .sort((a, b) => a - b);
  if (numbers.some((number, i) => number !== i + 1))
    errors.push(`the numbers are ${numbers.join(", ")}`);
  return errors;
}

const OPERATION = /^server\/src\/domains\/([^/]+)\/operations\/([^/]+)(?<!\.test)\.ts$/;

export function unlistedOperations(files: readonly File[]): string[] {
  return files.flatMap(({ path, text }) => {
    const [, domain] = OPERATION.exec(path) ?? [];
    if (domain === undefined) return [];
    const index = files.find((file) => file.path === `server/src/domains/${domain}/index.ts`);
    const listed =
      /export const operations\b[^=]*= \[([^\]]*)\]/
        .exec(index?.text ?? "")?.[1]
        ?.split(/[\s,]+/) ?? [];
    return [...text.matchAll(/export const (\w+) = operation\(/g)]
      .filter(([, name]) => !listed.includes(name!))
      .map(([, name]) => `${path}: ${name} is not in the operations of its index.ts`);
  });
}

export function misnamedOperations(files: readonly File[]): string[] {
  return files.flatMap(({ path, text }) => {
    const [, domain, file] = OPERATION.exec(path) ?? [];
    if (domain === undefined || file === undefined) return [];
    const name = /^ {2}name: "([^"]+)"/m.exec(text)?.[1];
    if (name === undefined) return [`${path}: has no operation`];
    const cut = file.lastIndexOf("-");
    const wanted = `${domain}.${file.slice(0, cut)}.${file.slice(cut + 1)}`;
    return name === wanted ? [] : [`${path}: ${name} should be ${wanted}`];
  });
}

/** Where SQL may stand: a domain's queries, and the two writers of the pipeline with their idempotency keys. */
const NAMES_TABLES =
  /\/queries\.ts$|^server\/src\/pipeline\/(idempotency|commit|committer)\.ts$|^server\/src\/kernel\/(migrate|schema|engine)|\.test\.ts$/;
const TABLE =
  /\b(?:from|join|into|update|table)\s+((?:control_plane|authz|security|ledger|telemetry|vedic|entities|ops|vault)\.[a-z_]+)\b(?!\()/g;

export const foreignTables = (files: readonly File[]): string[] =>
  files
    .filter(({ path }) => !NAMES_TABLES.test(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(TABLE)].map(([, table]) => `${path}: names ${table}`),
    );

/** Marks of unfinished work, and folders of one person's machine. Written in halves, so that this file keeps its own rule. */
const WORDS = [
  "TO" + "DO",
  "FIX" + "ME",
  "XX" + "X:",
  "/wor" + "k/",
  "/hom" + "e/",
  "/user" + "s/",
];

export const forbiddenWords = (files: readonly File[]): string[] =>
  files.flatMap(({ path, text }) =>
    text
      .split("\n")
      .flatMap((line, i) =>
        WORDS.filter((word) =>
          word === word.toUpperCase() ? line.includes(word) : line.toLowerCase().includes(word),
        ).map((word) => `${path}:${i + 1}: ${word}`),
      ),
  );
