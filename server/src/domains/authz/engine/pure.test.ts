import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

/** Kilobytes, minified and compressed, that a page may have to load for it. */
const SIZE_MAX_KB = 16;

test("the engine is made of its own files alone, fit for a browser, and small", async () => {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const { outputFiles, metafile, warnings } = await build({
    entryPoints: [`${folder}index.ts`],
    absWorkingDir: folder,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
  });
  expect(warnings).toEqual([]);
  const files = Object.keys(metafile.inputs);
  expect(files.filter((file) => !/^(extension\/)?[a-z-]+\.ts$/.test(file))).toEqual([]);
  expect(files).toContain("policy-set.ts");
  const [bundle] = outputFiles;
  const kilobytes = gzipSync(bundle!.contents).length / 1_024;
  console.info(`the engine: ${files.length} files, ${kilobytes.toFixed(1)} KB compressed`);
  expect(kilobytes).toBeLessThan(SIZE_MAX_KB);
  // It decides where nothing of Node is: with the language's own globals alone.
  expect(bundle!.text).not.toMatch(/\b(?:process|Buffer|require)\b\s*[.(]/);
});
