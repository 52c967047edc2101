import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, it, onTestFinished } from "vitest";

const BYTES_MAX = 30_000;

/** What a browser loads: minified, as bundlers do. */
it("is smaller than 30 kB, minified and gzipped, and needs nothing of Node", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sealbase-sdk-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const outfile = join(folder, "client.js");
  const { metafile } = await build({
    absWorkingDir: join(import.meta.dirname, ".."),
    entryPoints: ["src/index.ts"],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    metafile: true,
    outfile,
  });
  const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
  expect(imported.filter(({ external }) => external)).toEqual([]);
  expect(Object.keys(metafile.inputs).filter((path) => !path.startsWith("src/"))).toEqual([]);
  expect(gzipSync(readFileSync(outfile)).length).toBeLessThan(BYTES_MAX);
});
