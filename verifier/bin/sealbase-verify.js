#!/usr/bin/env node
import { existsSync, realpathSync } from "node:fs";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";

// In the repository the sources run as they are; Node strips no types below node_modules, so an
// installed package runs what was built.
const here = realpathSync(fileURLToPath(import.meta.url));
const source = new URL("../src/cli.ts", import.meta.url);
const fromSource = existsSync(source) && !here.split(sep).includes("node_modules");
const { run } = await import(fromSource ? source.href : "../dist/cli.js");
process.exitCode = await run(process.argv.slice(2));
