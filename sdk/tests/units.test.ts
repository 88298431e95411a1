import { describe, expect, test } from "vitest";
import { challenged } from "../src/calls.js";
import { base64url, bytesOf, sha256 } from "../src/encoding.js";
import { isRxauthError, ofOAuth, RxauthError } from "../src/errors.js";
import { createClient, invitation } from "../src/index.js";
import { configure } from "../src/options.js";

const OPTIONS = { domain: "http://localhost:8000/", clientId: "an-app", audience: "http://localhost:8000" };

test("base64url goes there and back, and a challenge is that of RFC 7636 appendix B", async () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, one) => one);
  expect(bytesOf(base64url(bytes))).toEqual(bytes);
  expect(base64url(bytes)).not.toMatch(/[+/=]/);
  const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  expect(await sha256(verifier)).toBe("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});

test("a domain may be a name or a URL, with a slash or not", () => {
  for (const domain of ["http://localhost:8000", "http://localhost:8000//"])
    expect(configure({ ...OPTIONS, domain })).toMatchObject({
      domain: "http://localhost:8000",
      issuer: "http://localhost:8000/",
    });
  expect(configure({ ...OPTIONS, domain: "login.clinic.example" }).issuer).toBe("https://login.clinic.example/");
});

test("tokens may go to the server, to the audience and to what is named", () => {
  const { allowed } = configure({ ...OPTIONS, audience: "https://api.example/v1", apis: ["https://mine.example/x"] });
  expect([...allowed]).toEqual(["http://localhost:8000", "https://api.example", "https://mine.example"]);
  expect([...configure({ ...OPTIONS, audience: "urn:pharmacy" }).allowed]).toEqual(["http://localhost:8000"]);
});

describe("a challenge", () => {
  test("that asks for another sign-in says which (RFC 9470 §3)", () => {
    const header =
      'Bearer error="insufficient_user_authentication", error_description="Again.", acr_values="aal2", max_age=300';
    expect(challenged(header)).toEqual({ acr_values: "aal2", max_age: "300" });
  });
  test.each([null, 'Bearer error="invalid_token"', 'Bearer error="insufficient_scope", scope="read:patient"'])(
    "that asks for none is none: %s",
    (header) => expect(challenged(header)).toBeUndefined(),
  );
});

describe("an error", () => {
  test.each([
    ["login_required", "login_required"],
    ["invalid_grant", "login_required"],
    ["access_denied", "access_denied"],
    ["temporarily_unavailable", "unavailable"],
    ["invalid_target", "invalid_request"],
  ])("of OAuth, %s, has our code %s", (theirs, ours) => {
    expect(ofOAuth(theirs, "Why.")).toMatchObject({ code: ours, message: expect.stringContaining("Why.") });
  });
  test("says what to do, and is told from others", () => {
    const error = new RxauthError("network", "Not reached.", { cause: new TypeError("fetch failed") });
    expect(error).toMatchObject({
      name: "RxauthError",
      advice: expect.stringContaining("again"),
      cause: expect.any(TypeError),
    });
    expect(new RxauthError("FORBIDDEN", "No.").advice).toContain("docs/errors.md");
    expect([isRxauthError(error), isRxauthError(error, "timeout"), isRxauthError(new Error("x"))]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

test("the link of an invitation is read, and any other is none", () => {
  expect(invitation("http://localhost:3000/login?invitation=t&organization=org_1")).toEqual({
    invitation: "t",
    organization: "org_1",
  });
  expect(invitation("http://localhost:3000/login?organization=org_1")).toBeNull();
});

test("a client is made on a server, where nobody is signed in", () => {
  const client = createClient(OPTIONS);
  expect([client.session(), client.user(), client.isAuthenticated(), client.can("read:patient")]).toEqual([
    null,
    null,
    false,
    false,
  ]);
});
