/**
 * Makes what is published beside the SQL files, in dist/ or in the folder given: `command.js` and the parts that it
 * loads when a command needs them. The verifier is inside; npm packages stay dependencies.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const root = import.meta.dirname;
const dist = resolve(process.argv[2] ?? join(root, "dist"));
const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  dependencies: Record<string, string>;
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
copyFileSync(join(root, "../LICENSE"), join(dist, "LICENSE"));
await build({
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.17",
  inject: ["old-node.ts"],
  external: Object.keys(dependencies),
  // Each command is a part of its own, so that --help loads little.
  splitting: true,
  chunkNames: "part-[hash]",
  legalComments: "inline",
  logLevel: "warning",
  sourcemap: "linked",
  sourcesContent: false,
  entryPoints: [
    { in: "src/command.ts", out: "command" },
    // A thread's program is a file of its own.
    { in: "src/domains/authz/cedar/worker.ts", out: "cedar-worker" },
    { in: "src/domains/authz/least/z3-worker.ts", out: "z3-worker" },
  ],
  outdir: dist,
});
