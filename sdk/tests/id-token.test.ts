import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { base64url, utf8 } from "../src/encoding.js";
import { verify } from "../src/id-token.js";
import { configure } from "../src/options.js";

const config = configure({
  domain: "login.clinic.example",
  clientId: "an-app",
  audience: "https://api.clinic.example",
});
const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = { ...pair.publicKey.export({ format: "jwk" }), kid: "k1" } as JsonWebKey;
const keyOf = async (kid: string) => (kid === "k1" ? jwk : undefined);
const now = Math.floor(Date.now() / 1000);
const GOOD = {
  iss: "https://login.clinic.example/",
  aud: "an-app",
  azp: "an-app",
  sub: "usr_1",
  nonce: "n",
  iat: now,
  exp: now + 3600,
  auth_time: now - 10,
  org_id: "org_1",
  org_name: "alder clinic",
};

function token(claims: object = {}, header: object = {}): string {
  const parts = [
    { alg: "RS256", kid: "k1", typ: "JWT", ...header },
    { ...GOOD, ...claims },
  ];
  const signed = parts.map((one) => base64url(utf8(JSON.stringify(one)))).join(".");
  return `${signed}.${base64url(sign("sha256", Buffer.from(signed), pair.privateKey))}`;
}

test("a good token is accepted", async () => {
  await verify(token(), config, { nonce: "n" }, keyOf);
  await verify(token({ aud: ["other", "an-app"], nonce: undefined }), config, {}, keyOf);
});

describe("a token is refused", () => {
  const broken: [string, string][] = [
    ["another server's", token({ iss: "https://login.clinic.example" })],
    ["another client", token({ aud: "other" })],
    ["given to another client", token({ azp: "other" })],
    ["names nobody", token({ sub: "" })],
    ["another request", token({ nonce: "m" })],
    ["expired", token({ exp: now - 61 })],
    ["expired", token({ exp: undefined })],
    ["not signed with RS256", token({}, { alg: "none" })],
    ["not signed with RS256", token({}, { alg: "HS256" })],
    ["unknown key", token({}, { kid: "k2" })],
    ["wrong signature", `${token().slice(0, -8)}AAAAAAAA`],
    ["older sign-in", token({ auth_time: now - 500 })],
    ["older sign-in", token({ auth_time: undefined })],
    ["cannot be read", "a.b"],
    ["cannot be read", ""],
  ];
  test.each(broken)("%s", async (why, text) => {
    const refused = verify(text, config, { nonce: "n", max_age: "300" }, keyOf);
    await expect(refused).rejects.toMatchObject({ code: "invalid_id_token", message: expect.stringContaining(why) });
  });
});

test("an organization is compared by identifier and by name", async () => {
  for (const organization of ["org_1", "Alder Clinic", undefined])
    await verify(token(), config, { organization }, keyOf);
  for (const organization of ["org_2", "Birch Clinic"])
    await expect(verify(token(), config, { organization }, keyOf)).rejects.toMatchObject({
      code: "wrong_organization",
    });
});
