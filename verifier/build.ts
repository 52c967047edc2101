/**
 * Makes what is published, in dist/ or in the folder given: index.js, ml-dsa.js and cli.js (Node, with the noble
 * packages as dependencies), browser.js and browser-ml-dsa.js (files that need nothing), and the types.
 */
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { emitTypes } from "../scripts/emit-types.ts";

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
copyFileSync(join(root, "../LICENSE"), join(dist, "LICENSE"));
await Promise.all([
  build({ ...node, entryPoints: ["src/index.ts"], outfile: join(dist, "index.js") }),
  build({ ...node, entryPoints: ["src/ml-dsa.ts"], outfile: join(dist, "ml-dsa.js") }),
  // Split, so that --help does not load the cryptography.
  build({
    ...node,
    entryPoints: ["src/cli.ts"],
    splitting: true,
    outdir: dist,
    chunkNames: "cli-[hash]",
  }),
  ...Object.entries({ index: "browser.js", "ml-dsa": "browser-ml-dsa.js" }).map(([entry, file]) =>
    build({
      ...shared,
      platform: "browser",
      target: "es2022",
      minify: true,
      entryPoints: [`src/${entry}.ts`],
      outfile: join(dist, file),
    }),
  ),
]);
emitTypes(root, dist, ["src/index.ts", "src/ml-dsa.ts"]);
