/** Codes and refresh tokens, exchanged for the next tokens (RFC 6749 §4.1.3, §6). */

import { isRxauthError, ofOAuth, RxauthError } from "./errors.js";
import type { Config } from "./options.js";

const TIMEOUT_MS = 10_000;
const REFRESH_ATTEMPTS = 3;

/** What is kept of a sign-in. Times are in milliseconds, by this device's clock. */
export interface Tokens {
  readonly access: string;
  readonly id: string;
  readonly refresh?: string | undefined;
  readonly at: number;
  /** From when on the access token is renewed before it is used. */
  readonly renewAt: number;
  readonly expiresAt: number;
}

/** Returns the tokens for a code. It is asked for once: a second time would end what the first one gave. */
export function redeem(config: Config, code: string, verifier: string, redirectUri: string): Promise<Tokens> {
  return exchange(config, {
    grant_type: "authorization_code",
    code,
    code_verifier: verifier,
    redirect_uri: redirectUri,
  });
}

/**
 * Returns the tokens that follow a refresh token.
 *
 * A lost answer is asked for again: for ten seconds the server gives the same successor for the same token.
 */
export async function refresh(config: Config, token: string): Promise<Tokens> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await exchange(config, { grant_type: "refresh_token", refresh_token: token });
    } catch (error) {
      if (attempt === REFRESH_ATTEMPTS || !isPassing(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, attempt * 500));
    }
  }
}

/** Tells whether an error says nothing about the session. */
export function isPassing(error: unknown): boolean {
  return isRxauthError(error, "network", "unavailable", "timeout", "server_error");
}

async function exchange(config: Config, parameters: Record<string, string>): Promise<Tokens> {
  let response: Response;
  try {
    response = await fetch(`${config.domain}/oauth/token`, {
      method: "POST",
      body: new URLSearchParams({ client_id: config.clientId, ...parameters }),
      credentials: "omit",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (cause) {
    throw new RxauthError("network", "The token endpoint was not reached.", { cause });
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok && answer.access_token && answer.id_token) {
    const now = Date.now();
    const lifetime = answer.expires_in * 1000;
    return {
      access: answer.access_token,
      id: answer.id_token,
      refresh: answer.refresh_token,
      at: now,
      renewAt: now + lifetime - Math.min(60_000, lifetime / 10),
      expiresAt: now + lifetime,
    };
  }
  throw ofOAuth(answer.error ?? "server_error", answer.error_description, retryAfterOf(response));
}

/** Reads when an answer says to come again, as an error has it. */
export function retryAfterOf({ headers }: Response): { readonly retryAfter?: number } {
  const seconds = Number(headers.get("retry-after"));
  return seconds ? { retryAfter: seconds } : {};
}
