#!/usr/bin/env -S node --max-semi-space-size=2
import { existsSync, realpathSync } from "node:fs";
import * as module from "node:module";
import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

module.enableCompileCache?.();
// V8 sizes its heap by the machine's memory and collects late. A server that lives from 30 MB of objects should not
// hold 300 MB: the young generation (above) and the old one's growth are bounded. bench/memory.ts measures it.
setFlagsFromString("--heap-growing-percent=20");

// In the repository the sources run as they are; Node strips no types below node_modules, so an
// installed package runs what was built.
const here = realpathSync(fileURLToPath(import.meta.url));
const source = new URL("../src/command.ts", import.meta.url);
const fromSource = existsSync(source) && !here.split(sep).includes("node_modules");
const { command } = await import(fromSource ? source.href : "../dist/command.js");
process.exitCode = await command(process.argv.slice(2));
