import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";

const CHROMIUM = "/usr/bin/chromium";
const SDK = new URL("..", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "rxauth-app-"));
const { devDependencies: versions } = JSON.parse(readFileSync(join(SDK, "package.json"), "utf8"));
const APP = `
  import { createClient } from "@rxauth/sdk";
  import { patients } from "@rxauth/sdk/operations";
  import { AuthProvider } from "@rxauth/sdk/react";
  const client = createClient({ domain: "http://localhost:8000", clientId: "an-app", audience: "http://localhost:8000" });
  Object.assign(window, { client, patients, AuthProvider });
  client.start().then(({ session }) => document.body.append(session === null ? "Nobody is signed in." : "Somebody is."));
`;

const run = (program: string, ...options: string[]) =>
  execFileSync(program, options, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

afterAll(() => rmSync(folder, { recursive: true }));

/** Returns what a page of the application looks like in a browser, once its script ran. */
async function looked(): Promise<string> {
  const types: Record<string, string> = { ".js": "text/javascript", ".html": "text/html" };
  const server = createServer((request, response) => {
    const path = request.url === "/" ? "/index.html" : `${request.url}`;
    response.setHeader("content-type", types[extname(path)] ?? "text/plain");
    response.end(existsSync(join(folder, "dist", path)) ? readFileSync(join(folder, "dist", path)) : "");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://localhost:${(server.address() as AddressInfo).port}/`;
  const options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];
  const profile = `--user-data-dir=${join(folder, "profile")}`;
  try {
    const done = await promisify(execFile)(CHROMIUM, [
      ...options,
      profile,
      "--virtual-time-budget=5000",
      "--dump-dom",
      url,
    ]);
    return done.stdout;
  } finally {
    server.close();
  }
}

test("the package installs from its tarball into a fresh Vite app, which builds, type-checks and runs in a browser", {
  timeout: 120_000,
}, async () => {
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
  expect(await looked()).toContain("Nobody is signed in.");
  expect(readdirSync(join(folder, "node_modules", "@rxauth", "sdk")).sort()).toEqual([
    "README.md",
    "dist",
    "package.json",
  ]);
});
