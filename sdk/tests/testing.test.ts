import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startSandbox } from "../testing/index.js";

const ROOT = new URL("../..", import.meta.url).pathname;
const cache = mkdtempSync(join(tmpdir(), "rxauth-cache-"));
const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;

afterAll(() => rmSync(cache, { recursive: true }));

test("a sandbox serves, gives anybody's token, and ends, as the guide shows it", { timeout: 120_000 }, async () => {
  const sandbox = await startSandbox({ python: join(ROOT, ".venv/bin/python"), cache });
  const me = async (token: string) => {
    const answer = await fetch(`${sandbox.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: "{ me { email } }" }),
    });
    return (await answer.json()).data.me.email;
  };
  const [staff, developer] = await Promise.all([sandbox.token("staff"), sandbox.token("developer")]);
  expect(await me(staff)).toBe("staff@sandbox.example");
  expect(await me(developer)).toBe("developer@sandbox.example");
  const reads = await sandbox.token("prescriber", { scope: "read:patient" });
  const claims = JSON.parse(Buffer.from(`${reads.split(".")[1]}`, "base64url").toString());
  expect(claims.permissions).toEqual(["read:patient"]);
  await expect(sandbox.token("nurse")).rejects.toThrow("medical-operations");
  await expect(sandbox.token("staff", { audience: "http://localhost:9" })).rejects.toThrow("rxauth audiences add");
  const asked = { client_id: sandbox.clientId, client_secret: sandbox.clientSecret, grant_type: "client_credentials" };
  const machine = await fetch(`${sandbox.url}/oauth/token`, { method: "POST", body: new URLSearchParams(asked) });
  expect(machine.status).toBe(200);
  // What the guide shows, with this sandbox; it stops it.
  const [, shown = ""] = readFileSync(join(ROOT, "docs/guides/testing.md"), "utf8").match(/^```ts\n(.*?)^```$/ms) ?? [];
  const printed: unknown[] = [];
  const run = new AsyncFunction("startSandbox", "console", shown.replace(/^import .*$/m, ""));
  await run(async () => sandbox, { log: (one: unknown) => printed.push(one) });
  expect(printed).toEqual([{ data: { me: { email: "developer@sandbox.example" } } }]);
  await expect(fetch(sandbox.url)).rejects.toThrow();
  await expect(sandbox.token("staff")).rejects.toThrow("does not run");
});

test("who has no rxauth is told so", async () => {
  await expect(startSandbox({ python: "no-such-python" })).rejects.toThrow("no-such-python");
});
