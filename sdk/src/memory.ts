/** What outlives the page: who was signed in, and, if the application says so, the tokens. */

import type { Config } from "./options.js";
import { type Held, held } from "./session.js";
import type { Tokens } from "./token-endpoint.js";

/** What is remembered between pages. */
export interface Memory {
  /** Returns who was signed in here, the tab's own person and organization first; null: nobody. */
  identity(): string | null;
  /** Returns the tokens that are kept, if they will do. */
  kept(willDo: (tokens: Tokens) => boolean): Tokens | undefined;
  /** Keeps who is signed in. isNew: what another organization's session kept may be overwritten. */
  keep(next: Held, isNew: boolean): void;
  forget(): void;
}

/** Returns a client's memory. */
export function remember({ name, storage }: Config): Memory {
  // Identifiers alone: nothing that opens anything, and nobody's name.
  const own = `${name}:tab`;
  const tokensOf = `${name}:tokens`;
  const kept = (willDo: (tokens: Tokens) => boolean) => {
    try {
      const tokens = JSON.parse(storage?.getItem(tokensOf) ?? "null") as Tokens | null;
      return tokens && willDo(tokens) ? tokens : undefined;
    } catch {
      return undefined;
    }
  };
  return {
    identity() {
      const known = localStorage.getItem(name);
      const mine = sessionStorage.getItem(own);
      return known && mine?.split(" ")[0] === known.split(" ")[0] ? mine : known;
    },
    kept,
    keep({ tokens, identity }, isNew) {
      localStorage.setItem(name, identity);
      sessionStorage.setItem(own, identity);
      if (isNew || !kept((one) => held(one).identity !== identity)) storage?.setItem(tokensOf, JSON.stringify(tokens));
    },
    forget() {
      localStorage.removeItem(name);
      sessionStorage.removeItem(own);
      storage?.removeItem(tokensOf);
    },
  };
}
