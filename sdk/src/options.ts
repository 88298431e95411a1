/** What a client is made with. */

/** Where tokens are kept, if they must outlive the page: `sessionStorage` and `localStorage` are such. */
export type TokenStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** What `createClient` takes. */
export interface ClientOptions {
  /** Where rxauth is: `login.clinic.example`, or `http://localhost:8000`. */
  readonly domain: string;
  readonly clientId: string;
  /** The API that tokens are for. */
  readonly audience: string;
  /** The organization to sign in to, by identifier or name; left out, the person chooses. */
  readonly organization?: string;
  readonly connection?: string;
  /** Where people come back to; left out: the page's origin. It must be registered, byte for byte. */
  readonly redirectUri?: string;
  /** What to ask for beside the names, the address and a refresh token: permissions, with spaces between them. */
  readonly scope?: string;
  /** Origins, beside rxauth's own and the audience's, that `fetch` may send tokens to. */
  readonly apis?: readonly string[];
  /** What to do when an answer asks for a fresher or surer sign-in: ask in a window and repeat the request, or throw. */
  readonly stepUp?: "popup" | "throw";
  /** Left out, tokens are in memory alone: a script that gets into the page later finds none at rest. */
  readonly storage?: TokenStorage;
}

/** The options, completed. */
export interface Config extends ClientOptions {
  /** The base of rxauth's URLs, without a slash at the end. */
  readonly domain: string;
  readonly issuer: string;
  readonly origin: string;
  /** Names this client in storage, locks and channels. */
  readonly name: string;
  readonly allowed: ReadonlySet<string>;
}

/** Completes the options; it touches nothing that only browsers have. */
export function configure(options: ClientOptions): Config {
  const domain = (/^https?:\/\//.test(options.domain) ? "" : "https://").concat(options.domain).replace(/\/+$/, "");
  const { origin } = new URL(domain);
  const servers = [domain, options.audience, ...(options.apis ?? [])].filter((one) => /^https?:/.test(one));
  return {
    ...options,
    domain,
    issuer: `${domain}/`,
    origin,
    name: `rxauth:${options.clientId}:${options.audience}`,
    allowed: new Set(servers.map((one) => new URL(one).origin)),
  };
}
