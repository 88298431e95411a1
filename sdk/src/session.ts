/** A session: the proof that somebody signed in. Only a client makes one, so what needs it cannot come too early. */

import type { Call } from "./calls.js";
import { partOf } from "./encoding.js";
import type { Permission } from "./generated/api.js";
import type { User } from "./id-token.js";
import type { Tokens } from "./token-endpoint.js";

declare const proof: unique symbol;

/**
 * Somebody who is signed in, to one organization or none.
 *
 * It stays good while tokens are renewed. Once the person signs out, or another one signs in, or the organization
 * changes, it is over: then every call throws `session_ended`, and none goes out in somebody else's name.
 */
export interface Session extends Call {
  readonly [proof]: true;
  readonly user: User;
  /** Tells whether the person may do something now; what the API decides counts. */
  can(permission: Permission): boolean;
  /** Returns an access token that is good for a while: from memory, or renewed. renew: renewed in any case. */
  getToken(options?: { readonly renew?: boolean }): Promise<string>;
}

/** A session's tokens, and what they say. */
export interface Held {
  readonly tokens: Tokens;
  readonly user: User;
  readonly permissions: readonly string[];
  /** The same for what looks the same to a page. */
  readonly shown: string;
  /** The same for the same person in the same organization. */
  readonly identity: string;
}

const CLAIMS: (keyof User)[] = [
  "sub",
  "org_id",
  "org_name",
  "name",
  "given_name",
  "middle_name",
  "family_name",
  "nickname",
  "email",
  "email_verified",
];

/** Reads what tokens say. */
export function held(tokens: Tokens): Held {
  const user = JSON.parse(JSON.stringify(partOf<User>(tokens.id, 1), CLAIMS)) as User;
  const { permissions = [] } = partOf<{ permissions?: string[] }>(tokens.access, 1);
  const shown = JSON.stringify([user, permissions]);
  return { tokens, user, permissions, shown, identity: `${user.sub} ${user.org_id ?? ""}` };
}
