import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** Writes the declarations of a package's entries, and of what they import, to its published folder. */
export function emitTypes(root: string, dist: string, entries = ["src/index.ts"]): void {
  const manifest = createRequire(import.meta.url).resolve("typescript/package.json");
  const tsc = join(dirname(manifest), "bin/tsc");
  const options =
    "--ignoreConfig --declaration --emitDeclarationOnly --target es2024 --module nodenext";
  const strict = "--strict --rewriteRelativeImportExtensions --verbatimModuleSyntax --skipLibCheck";
  const words = [tsc, ...entries, ...`${options} ${strict} --types node --rootDir src`.split(" ")];
  execFileSync(process.execPath, [...words, "--outDir", dist], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
}
