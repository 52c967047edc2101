import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folder of the package `@sealbase/server`, whether this runs from its sources or from its bundle. */
export const packageRoot: string = (() => {
  let folder = import.meta.dirname;
  for (;;) {
    const file = join(folder, "package.json");
    if (existsSync(file) && manifest(file).name === "@sealbase/server") return folder;
    const parent = dirname(folder);
    if (parent === folder) throw new Error("package.json of @sealbase/server not found");
    folder = parent;
  }
})();

export const version: string = manifest(join(packageRoot, "package.json")).version;

function manifest(file: string): { name: string; version: string } {
  return JSON.parse(readFileSync(file, "utf8"));
}
