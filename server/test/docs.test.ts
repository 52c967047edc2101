import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { commands } from "../src/faces/cli/commands.ts";

const ROOT = join(import.meta.dirname, "../..");
const DOCUMENTS = globSync(["*.md", "docs/**/*.md", "*/README.md", "server/src/**/README.md"], {
  cwd: ROOT,
})
  .filter((file) => !file.includes("node_modules"))
  .map((file) => ({ file, text: readFileSync(join(ROOT, file), "utf8") }));

interface Document {
  readonly file: string;
  readonly text: string;
}

const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const HOUSE = {
  exists: (path: string) => existsSync(join(ROOT, path)),
  scripts: new Set<string>([...Object.keys(manifest.scripts), "ci"]),
  commands: new Set(commands.map(({ name }) => name)),
};

/** A path in backticks that begins with a folder of the project. */
const PATH = /`((?:server|verifier|sdk|bench|docs|contract|scripts|\.ci)\/[\w./-]*)`/g;
/** The same in a drawing: an indented line that begins with it. */
const DRAWN = /^ {4}((?:server|verifier|sdk|bench|docs|contract|scripts|\.ci)\/[\w./-]*)/gm;
const CODE = /`[^`]+`|^ {4}.*$/gm;
const LINK = /\]\((?!https?:)([^)#\s]+)\)/g;
const SCRIPT = /\bnpm (?:run )?([a-z][\w:-]*)/g;
const COMMAND = /\bsealbase ([a-z]+)\b(?= |`|$)/gm;
const NPM_OWN = new Set(["install", "pack", "ci", "run"]);

function lies({ file, text }: Document, house: typeof HOUSE): string[] {
  const found: string[] = [];
  for (const [, path] of text.matchAll(PATH))
    if (!house.exists(path!)) found.push(`${file}: there is no ${path}`);
  for (const [, link] of text.matchAll(LINK))
    if (!house.exists(join(dirname(file), link!)))
      found.push(`${file}: the link to ${link} leads nowhere`);
  for (const [, path] of text.matchAll(DRAWN))
    if (!house.exists(path!)) found.push(`${file}: there is no ${path}`);
  for (const [code] of text.matchAll(CODE)) {
    for (const [, script] of code.matchAll(SCRIPT))
      if (!house.scripts.has(script!) && !NPM_OWN.has(script!))
        found.push(`${file}: there is no npm script ${script}`);
    for (const [, command] of code.matchAll(COMMAND))
      if (!house.commands.has(command!))
        found.push(`${file}: there is no command sealbase ${command}`);
  }
  return found;
}

describe("what the documents name exists", () => {
  test("there are documents", () => expect(DOCUMENTS.length).toBeGreaterThan(15));
  test.for(DOCUMENTS.map((document) => [document.file, document] as const))(
    "%s",
    ([, document]) => {
      expect(lies(document, HOUSE)).toEqual([]);
    },
  );
});

test("each rule has been seen red", () => {
  const lie = (text: string) => lies({ file: "README.md", text }, HOUSE);
  expect(lie("see `server/src/nowhere.ts`")).toEqual([
    "README.md: there is no server/src/nowhere.ts",
  ]);
  expect(lie("see [this](docs/nothing.md)")).toEqual([
    "README.md: the link to docs/nothing.md leads nowhere",
  ]);
  expect(lie("run `npm run dance`")).toEqual(["README.md: there is no npm script dance"]);
  expect(lie("run `npx sealbase dance now`")).toEqual([
    "README.md: there is no command sealbase dance",
  ]);
  expect(lie("    npx sealbase whirl")).toEqual(["README.md: there is no command sealbase whirl"]);
  expect(
    lie(
      "run `npx sealbase why ID` after `npm start`, see `server/src/main.ts` and [how](docs/how-to/read-a-seal.md)",
    ),
  ).toEqual([]);
});
