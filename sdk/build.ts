/** Makes what is published, in dist/ or in the folder given: one file for Node and browsers, and the types. */
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { emitTypes } from "../scripts/emit-types.ts";

const root = import.meta.dirname;
const dist = resolve(process.argv[2] ?? join(root, "dist"));

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
copyFileSync(join(root, "../LICENSE"), join(dist, "LICENSE"));
await build({
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  platform: "neutral",
  target: ["es2022", "node20.17"],
  logLevel: "warning",
  entryPoints: ["src/index.ts"],
  outfile: join(dist, "index.js"),
});
emitTypes(root, dist);
