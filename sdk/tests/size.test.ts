import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import { expect, test } from "vitest";

/** Returns a bundle as a browser gets it: minified, React left out. */
function bundled(source: string): Uint8Array {
  const options = {
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    write: false,
    logLevel: "error",
    external: ["react"] as string[],
  } as const;
  const done = buildSync({
    ...options,
    stdin: { contents: source, resolveDir: new URL("../dist", import.meta.url).pathname },
  });
  return done.outputFiles?.[0]?.contents ?? new Uint8Array();
}

const size = (source: string) => gzipSync(bundled(source), { level: 9 }).length;
const CORE = 'export { createClient, RxauthError } from "./index.js";';

test("the core is at most 6 kB, and 10 kB with React", () => {
  expect(size(CORE)).toBeLessThanOrEqual(6_000);
  expect(size(`${CORE} export * from "./react.js";`)).toBeLessThanOrEqual(10_000);
});

test("what is not imported is not bundled", () => {
  const text = new TextDecoder().decode(bundled('export { patients } from "./operations.js";'));
  expect(text).toContain("query patients");
  expect(text).not.toContain("query orders");
  expect(bundled('import "./index.js"; import "./operations.js";')).toHaveLength(0);
});
