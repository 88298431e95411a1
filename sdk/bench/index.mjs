// Prints what the package weighs, beside auth0-spa-js bundled the same way if it is there, and what getToken() costs.
import { existsSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";

const SDK = new URL("../dist", import.meta.url).pathname;
const TESTS = new URL("../../tests/browser", import.meta.url).pathname;
const CALLS = 1_000_000;

/** Prints the size of a bundle as a browser gets it: minified, React left out. */
function weigh(name, resolveDir, contents) {
  const options = { bundle: true, minify: true, format: "esm", target: "es2022", write: false, external: ["react"] };
  const [{ contents: bytes }] = buildSync({ ...options, stdin: { contents, resolveDir } }).outputFiles;
  console.log(`${name}: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} compressed`);
}

/** Prints what one getToken() costs that finds its token in memory. */
async function time() {
  const part = (claims) => btoa(JSON.stringify(claims));
  const token = ["{}", part({ sub: "usr_1", permissions: ["read:patient"] }), ""].join(".");
  const later = Date.now() + 3_600_000;
  const kept = { access: token, id: token, at: 0, renewAt: later, expiresAt: later };
  const storage = { getItem: (name) => (name.endsWith(":tokens") ? JSON.stringify(kept) : "usr_1 ") };
  Object.assign(globalThis, { localStorage: storage, sessionStorage: storage });
  const { createClient } = await import("../dist/index.js");
  const session = await createClient({
    domain: "localhost",
    clientId: "bench",
    audience: "urn:bench",
    storage,
  }).restore();
  for (let one = 0; one < CALLS / 10; one++) await session.getToken();
  const begun = performance.now();
  for (let one = 0; one < CALLS; one++) await session.getToken();
  console.log(`getToken() from memory: ${(((performance.now() - begun) * 1000) / CALLS).toFixed(2)} microseconds`);
}

weigh("core", SDK, 'export { createClient } from "./index.js";');
weigh("core and one operation", SDK, 'export * from "./index.js"; export { patients } from "./operations.js";');
weigh("core and React", SDK, 'export * from "./index.js"; export * from "./react.js";');
if (existsSync(`${TESTS}/node_modules/@auth0`))
  weigh("auth0-spa-js", TESTS, 'export { Auth0Client } from "@auth0/auth0-spa-js";');
await time();
