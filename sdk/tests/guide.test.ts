import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as errors from "../src/errors.js";

const ROOT = new URL("../..", import.meta.url).pathname;
const GUIDE = readFileSync(join(ROOT, "docs/guides/frontend-sdk.md"), "utf8");

const QUICKSTART = readFileSync(join(ROOT, "docs/quickstart/frontend.md"), "utf8");

test("the code of the guide, of the quickstart and of the README type-checks", { timeout: 120_000 }, () => {
  // Below this package, so that its own name and React are found.
  const folder = join(ROOT, "sdk/.guide");
  mkdirSync(folder, { recursive: true });
  const blocks = [...`${GUIDE}${QUICKSTART}`.matchAll(/^```tsx?\n\/\/ (\S+)\n(.*?)^```$/gms)];
  const readme = readFileSync(join(ROOT, "sdk/README.md"), "utf8").match(/^```ts\n(.*?)^```$/ms);
  const files = [...blocks.map(([, name, text]) => [name, text]), ["readme.ts", readme?.[1]]];
  expect(files.length).toBe(7);
  for (const [name, text] of files) writeFileSync(join(folder, `${name}`), `${text}`);
  const options = ["--noEmit", "--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"];
  const names = files.map(([name]) => `${name}`);
  const program = join(ROOT, "sdk/node_modules/.bin/tsc");
  execFileSync(program, [...options, "--jsx", "react-jsx", "--skipLibCheck", ...names], {
    cwd: folder,
    stdio: "inherit",
  });
  rmSync(folder, { recursive: true });
});

test("the guide lists every code of the package, and what to do", () => {
  const listed = [...GUIDE.matchAll(/^\| `([a-z_]+)` \| ([A-Z].*) \|$/gm)].map(([, code, advice]) => [code, advice]);
  expect(Object.fromEntries(listed)).toEqual(errors.ADVICE);
});
