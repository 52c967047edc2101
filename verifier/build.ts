/**
 * Makes what is published, in dist/ or in the folder given: index.js and cli.js (Node, with the noble
 * packages as dependencies), browser.js (one file that needs nothing), and the types.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { type BuildOptions, build } from "esbuild";

const root = import.meta.dirname;
const dist = resolve(process.argv[2] ?? join(root, "dist"));

const shared: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  legalComments: "inline",
  logLevel: "warning",
};
const node: BuildOptions = {
  ...shared,
  platform: "node",
  target: "node20.12",
  external: ["@noble/*"],
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
await Promise.all([
  build({ ...node, entryPoints: ["src/index.ts"], outfile: join(dist, "index.js") }),
  // Split, so that --help does not load the cryptography.
  build({
    ...node,
    entryPoints: ["src/cli.ts"],
    splitting: true,
    outdir: dist,
    chunkNames: "cli-[hash]",
  }),
  build({
    ...shared,
    platform: "browser",
    target: "es2022",
    minify: true,
    entryPoints: ["src/index.ts"],
    outfile: join(dist, "browser.js"),
  }),
]);
emitTypes();

function emitTypes(): void {
  const manifest = createRequire(import.meta.url).resolve("typescript/package.json");
  const tsc = join(dirname(manifest), "bin/tsc");
  const options =
    "--ignoreConfig --declaration --emitDeclarationOnly --target es2024 --module nodenext";
  const strict = "--strict --rewriteRelativeImportExtensions --verbatimModuleSyntax --skipLibCheck";
  execFileSync(
    process.execPath,
    [
      tsc,
      "src/index.ts",
      ...`${options} ${strict} --types node --rootDir src --outDir`.split(" "),
      dist,
    ],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
  );
}
