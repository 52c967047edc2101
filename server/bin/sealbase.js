#!/usr/bin/env node
import { existsSync, realpathSync } from "node:fs";
import * as module from "node:module";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";

module.enableCompileCache?.();
// In the repository the sources run as they are; Node strips no types below node_modules, so an
// installed package runs what was built.
const here = realpathSync(fileURLToPath(import.meta.url));
const source = new URL("../src/command.ts", import.meta.url);
const fromSource = existsSync(source) && !here.split(sep).includes("node_modules");
const { command } = await import(fromSource ? source.href : "../dist/command.js");
process.exitCode = await command(process.argv.slice(2));
