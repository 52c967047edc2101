/**
 * Which refusals an operation can give, read from the sources: every declaration that its own reaches by name, over
 * imports and doors. Calls over ports are not followed; what they refuse is the same for every operation.
 */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const SOURCE = "server/src";

interface Declaration {
  readonly codes: readonly string[];
  /** Every word of its text: more than it calls, never less. */
  readonly words: ReadonlySet<string>;
}

interface Module {
  readonly declarations: ReadonlyMap<string, Declaration>;
  /** Local name to where it comes from. */
  readonly imports: ReadonlyMap<string, { readonly file: string; readonly name: string }>;
}

/** A declaration of a module begins at the start of a line, and what follows belongs to it up to the next. */
const START =
  /^(?:export )?(?:default )?(?:async )?(?:const|let|function\*?|class|interface|type) (\w+)/gm;
const CODE = /"((?:request|policy|score|action|seal|engine)\/[a-z0-9_]+)"/g;
const IMPORT = /(?:import|export) (?:type )?\{([^}]*)\} from "([^"]+)"/g;

function read(file: string): Module {
  const text = readFileSync(join(ROOT, file), "utf8");
  const starts = [...text.matchAll(START)];
  const declarations = new Map(
    starts.map(({ 1: name, index }, i) => {
      const body = text.slice(index, starts[i + 1]?.index ?? text.length);
      const codes = [...body.matchAll(CODE)].map(([, code]) => code!);
      return [name!, { codes, words: new Set(body.match(/\w+/g)) }];
    }),
  );
  const imports = new Map(
    [...text.matchAll(IMPORT)].flatMap(([, names, spec]) => {
      const from = resolve(file, spec!);
      if (from === undefined) return [];
      return names!
        .split(",")
        .map((word) => word.trim().replace(/^type /, ""))
        .filter((word) => word !== "")
        .map((word) => {
          const [name, local = name] = word.split(" as ");
          return [local!, { file: from, name: name! }] as const;
        });
    }),
  );
  return { declarations, imports };
}

function resolve(from: string, spec: string): string | undefined {
  if (spec.startsWith(".")) return normalize(join(dirname(from), spec));
  if (spec === "#pipeline") return undefined;
  if (spec.startsWith("#domains/")) return `${SOURCE}/domains/${spec.slice(9)}/index.ts`;
  return spec.startsWith("#kernel/") ? `${SOURCE}/${spec.slice(1)}` : undefined;
}

/** The codes of refusals by operation, sorted. */
export function refusalsByOperation(): Map<string, string[]> {
  const modules = new Map<string, Module>();
  const moduleOf = (file: string): Module => {
    let module = modules.get(file);
    if (module === undefined) modules.set(file, (module = read(file)));
    return module;
  };
  const reach = (file: string, name: string, codes: Set<string>, seen: Set<string>): void => {
    const at = `${file} ${name}`;
    if (seen.has(at)) return;
    seen.add(at);
    const { declarations, imports } = moduleOf(file);
    const declaration = declarations.get(name);
    const other = imports.get(name);
    if (declaration === undefined) {
      if (other !== undefined) reach(other.file, other.name, codes, seen);
      return;
    }
    for (const code of declaration.codes) codes.add(code);
    for (const word of declaration.words)
      if (word !== name && (declarations.has(word) || imports.has(word)))
        reach(file, word, codes, seen);
  };
  const found = new Map<string, string[]>();
  for (const file of globSync(`${SOURCE}/domains/*/operations/*.ts`, { cwd: ROOT }).sort()) {
    const text = readFileSync(join(ROOT, file), "utf8");
    const name = /^ {2}name: "([^"]+)"/m.exec(text)?.[1];
    const declared = /^export const (\w+) = operation\(/m.exec(text)?.[1];
    if (name === undefined || declared === undefined) continue;
    const codes = new Set<string>();
    reach(file, declared, codes, new Set());
    found.set(name, [...codes].sort());
  }
  return found;
}
