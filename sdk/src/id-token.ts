/** ID tokens: who signed in, as the server says it to this client alone (OpenID Connect Core §3.1.3.7). */

import { bytesOf, partOf, utf8 } from "./encoding.js";
import { RxauthError } from "./errors.js";
import type { Config } from "./options.js";

const LEEWAY_S = 60;

/** Who is signed in. */
export interface User {
  /** The person: `usr_…`. */
  readonly sub: string;
  /** The organization that the session is for; left out: none. */
  readonly org_id?: string;
  /** Its name, in small letters. */
  readonly org_name?: string;
  readonly name?: string;
  readonly given_name?: string;
  readonly middle_name?: string;
  readonly family_name?: string;
  readonly nickname?: string;
  readonly email?: string;
  readonly email_verified?: boolean;
}

interface Claims extends User {
  readonly iss: string;
  readonly aud: string | readonly string[];
  readonly azp?: string;
  readonly exp: number;
  readonly iat: number;
  readonly nonce?: string;
  readonly auth_time?: number;
  readonly acr?: string;
}

/** What an ID token must fit, beside the client. */
export interface Expected {
  /** Left out: it comes from a refresh, and has none. */
  readonly nonce?: string;
  readonly organization?: string | undefined;
  /** In seconds. */
  readonly max_age?: string | undefined;
}

/** Returns a function that finds a key of the server by its `kid`; it asks again for one that it does not know. */
export function keysOf(config: Config): (kid: string) => Promise<JsonWebKey | undefined> {
  let known: (JsonWebKey & { kid?: string })[] = [];
  return async (kid) => {
    const find = () => known.find((one) => one.kid === kid);
    if (!find()) {
      try {
        const answer = await fetch(`${config.domain}/.well-known/jwks.json`, { signal: AbortSignal.timeout(10_000) });
        known = (await answer.json()).keys;
      } catch (cause) {
        throw new RxauthError("network", "The server's keys were not read.", { cause });
      }
    }
    return find();
  };
}

/**
 * Checks an ID token.
 *
 * keyOf left out: its signature is not looked at, as it came straight from the token endpoint for a refresh token.
 *
 * @throws RxauthError `invalid_id_token` or `wrong_organization`; `network`: the keys were not read.
 */
export async function verify(
  token: string,
  config: Config,
  expected: Expected,
  keyOf?: ReturnType<typeof keysOf>,
): Promise<void> {
  const claims = readable<Claims>(token, 1);
  if (keyOf) await verifySignature(token, keyOf);
  const now = Date.now() / 1000;
  const rules: [boolean, string][] = [
    [claims.iss === config.issuer, "is another server's"],
    [[claims.aud].flat().includes(config.clientId), "is for another client"],
    [(claims.azp ?? config.clientId) === config.clientId, "was given to another client"],
    [!!claims.sub, "names nobody"],
    [expected.nonce === undefined || claims.nonce === expected.nonce, "answers another request"],
    [claims.exp > now - LEEWAY_S, "has expired"],
    [
      !expected.max_age || (claims.auth_time ?? 0) >= claims.iat - Number(expected.max_age) - LEEWAY_S,
      "is of an older sign-in than was asked for",
    ],
  ];
  const broken = rules.find(([holds]) => !holds);
  if (broken) throw refused(broken[1]);
  const wanted = expected.organization?.toLowerCase();
  if (wanted && wanted !== claims.org_id?.toLowerCase() && wanted !== claims.org_name?.toLowerCase())
    throw new RxauthError("wrong_organization", "The ID token is for another organization.");
}

async function verifySignature(token: string, keyOf: ReturnType<typeof keysOf>): Promise<void> {
  const { alg, kid = "" } = readable<{ alg?: string; kid?: string }>(token, 0);
  if (alg !== "RS256") throw refused("is not signed with RS256");
  const jwk = await keyOf(kid);
  if (!jwk) throw refused("is signed with an unknown key");
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
  const [head, body, signature = ""] = token.split(".");
  if (!(await crypto.subtle.verify(algorithm, key, bytesOf(signature), utf8(`${head}.${body}`))))
    throw refused("has a wrong signature");
}

function readable<T>(token: string, index: 0 | 1): T {
  try {
    return partOf(token, index);
  } catch (cause) {
    throw refused("cannot be read", cause);
  }
}

function refused(why: string, cause?: unknown): RxauthError {
  return new RxauthError("invalid_id_token", `The ID token ${why}.`, { cause });
}
