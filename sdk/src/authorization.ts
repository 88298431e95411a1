/** Authorization requests: what is asked, what is remembered meanwhile, and what the answer must fit (RFC 7636, 9207). */

import { random, sha256 } from "./encoding.js";
import { ofOAuth, RxauthError } from "./errors.js";
import { type Expected, type keysOf, verify } from "./id-token.js";
import type { Config } from "./options.js";
import { redeem, type Tokens } from "./token-endpoint.js";

/** What a request says beside what every request of the client says; undefined: nothing. */
export interface Parameters extends Omit<Expected, "nonce"> {
  readonly response_mode?: "query" | "web_message";
  readonly prompt?: string | undefined;
  readonly invitation?: string | undefined;
  readonly login_hint?: string | undefined;
  readonly acr_values?: string | undefined;
}

/** What is remembered until the answer comes; the verifier is a secret. */
export interface Asked extends Expected {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUri: string;
}

/** What comes back: a code, or why there is none. */
export interface Answer {
  readonly state?: string;
  readonly code?: string;
  readonly iss?: string;
  readonly error?: string;
  readonly error_description?: string;
}

/** Returns where to send the person, and what to remember until the answer comes. */
export async function ask(config: Config, parameters: Parameters): Promise<{ url: string; asked: Asked }> {
  if (!globalThis.crypto?.subtle) throw new RxauthError("insecure_context", "The page is not of a secure context.");
  const redirectUri = config.redirectUri ?? location.origin;
  const { organization = config.organization, max_age } = parameters;
  const asked = { state: random(), nonce: random(), verifier: random(), redirectUri, organization, max_age };
  const query = {
    client_id: config.clientId,
    audience: config.audience,
    connection: config.connection,
    redirect_uri: redirectUri,
    response_type: "code",
    scope: `openid profile email offline_access ${config.scope ?? ""}`.trim(),
    state: asked.state,
    nonce: asked.nonce,
    code_challenge: await sha256(asked.verifier),
    code_challenge_method: "S256",
    ...parameters,
    organization,
  };
  const said = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return { url: `${config.domain}/authorize?${new URLSearchParams(said)}`, asked };
}

/**
 * Returns the tokens that an answer leads to.
 *
 * @throws RxauthError what the server refused, or what does not fit the request.
 */
export async function conclude(
  config: Config,
  keyOf: ReturnType<typeof keysOf>,
  asked: Asked | undefined,
  answer: Answer,
): Promise<Tokens> {
  if (!asked || answer.state !== asked.state || answer.iss !== config.issuer)
    throw new RxauthError("state_mismatch", "The answer does not belong to a request that this tab made.");
  if (answer.error !== undefined || answer.code === undefined)
    throw ofOAuth(answer.error ?? "server_error", answer.error_description);
  const tokens = await redeem(config, answer.code, asked.verifier, asked.redirectUri);
  await verify(tokens.id, config, asked, keyOf);
  return tokens;
}
