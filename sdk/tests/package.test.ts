import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const SDK = new URL("..", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "rxauth-app-"));
const { devDependencies: versions } = JSON.parse(readFileSync(join(SDK, "package.json"), "utf8"));
const APP = `
  import { createClient } from "@rxauth/sdk";
  import { patients } from "@rxauth/sdk/operations";
  import { AuthProvider } from "@rxauth/sdk/react";
  const client = createClient({ domain: "http://localhost:8000", clientId: "an-app", audience: "http://localhost:8000" });
  Object.assign(window, { client, patients, AuthProvider });
`;

const run = (program: string, ...options: string[]) =>
  execFileSync(program, options, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

afterAll(() => rmSync(folder, { recursive: true }));

test("the package installs from its tarball into a fresh Vite app, which builds and type-checks", {
  timeout: 120_000,
}, () => {
  run("npm", "pack", SDK, "--ignore-scripts", "--silent");
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  const wanted = ["react", "@types/react", "vite"].map((name) => `${name}@${versions[name]}`);
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  run("npm", "install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund", `./${tarball}`, ...wanted);
  writeFileSync(join(folder, "index.html"), '<script type="module" src="/app.ts"></script>');
  writeFileSync(join(folder, "app.ts"), APP);
  run("node_modules/.bin/vite", "build", "--logLevel", "error");
  const strictly = [
    "--noEmit",
    "--strict",
    "--target",
    "es2022",
    "--module",
    "esnext",
    "--moduleResolution",
    "bundler",
  ];
  run(join(SDK, "node_modules/.bin/tsc"), ...strictly, "app.ts");
  const [script] = readdirSync(join(folder, "dist", "assets"));
  const text = readFileSync(join(folder, "dist", "assets", `${script}`), "utf8");
  expect(text).toContain("query patients");
  expect(text).not.toContain("query orders");
  expect(readdirSync(join(folder, "node_modules", "@rxauth", "sdk")).sort()).toEqual([
    "README.md",
    "dist",
    "package.json",
  ]);
});
