/** The client of one application: signing in and out, and the session between. */

import { type Answer, type Asked, ask, conclude, type Parameters } from "./authorization.js";
import { calls } from "./calls.js";
import { isRxauthError, RxauthError, type StepUp } from "./errors.js";
import type { Permission } from "./generated/api.js";
import { keysOf, type User, verify } from "./id-token.js";
import type { Invitation } from "./invitation.js";
import { remember } from "./memory.js";
import { type ClientOptions, configure } from "./options.js";
import { type Held, held, looksLike, type Session } from "./session.js";
import { join } from "./tabs.js";
import { isPassing, refresh, type Tokens } from "./token-endpoint.js";
import { openWindow, throughFrame, throughWindow } from "./windows.js";

/** What a sign-in may say. */
export interface LoginOptions {
  /** The organization, by identifier or name, instead of the client's. */
  readonly organization?: string;
  /** What the link of an invitation said: see `invitation`. */
  readonly invitation?: Invitation;
  readonly loginHint?: string;
  /** `login`: ask for the password again; `select_account`: let somebody else sign in; `none`: bother nobody. */
  readonly prompt?: "login" | "select_account" | "consent" | "none";
  /** What an error with the code `step_up_required` asks for. */
  readonly stepUp?: StepUp;
  /** Comes back with the session; it stays in this tab. */
  readonly appState?: unknown;
}

/** A session that just began, and what the application gave to `login`. */
export interface SignedIn {
  readonly session: Session;
  readonly appState: unknown;
}

/** What the page finds when it loads. session null: nobody is signed in. */
export interface Started {
  readonly session: Session | null;
  readonly appState: unknown;
}

/** The client of one application. What needs somebody to be signed in is on the session that it returns. */
export interface Client {
  /** Finishes a sign-in if this page is where one came back to, and finds the session otherwise. It does so once. */
  start(): Promise<Started>;
  /** Leads the person to the sign-in; what comes after it never runs. */
  login(options?: LoginOptions & { readonly popup?: false }): Promise<never>;
  /** Signs the person in through a window beside the page: call it where a click is handled. */
  login(options: LoginOptions & { readonly popup: true }): Promise<SignedIn>;
  /** Finishes a sign-in and takes its answer out of the address; null: this page has no answer. */
  handleRedirect(): Promise<SignedIn | null>;
  /** Finds the session that was there before: in storage, in another tab, or at the server; null: there is none. */
  restore(): Promise<Session | null>;
  /** Goes over to another organization of the same person: without leaving the page if nothing is to be asked. */
  switchOrganization(organization: string, options?: { readonly appState?: unknown }): Promise<Session>;
  /** Ends the session here, in other tabs and at the server, and goes to `returnTo`; left out: the page's origin. */
  logout(options?: { readonly returnTo?: string }): Promise<never>;
  /** The present session; null: nobody is signed in, or nothing was started yet. */
  session(): Session | null;
  user(): User | null;
  isAuthenticated(): boolean;
  /** Tells whether somebody is signed in who may do something now. */
  can(permission: Permission): boolean;
  /** Calls a function whenever the session begins, is renewed or ends. Returns what stops that. */
  onChange(listener: (session: Session | null) => void): () => void;
}

/** Makes the client of an application. It touches neither the network nor the browser yet. */
export function createClient(options: ClientOptions): Client {
  const config = configure(options);
  const keyOf = keysOf(config);
  const memory = remember(config);
  const listeners = new Set<(session: Session | null) => void>();
  let current: Held | undefined;
  let session: Session | null = null;
  let renewing: { readonly identity: string; readonly done: Promise<Held> } | undefined;
  let proving: Promise<unknown> | undefined;
  let started: Promise<Started> | undefined;

  const tabs = join(config, {
    mine: () => current?.tokens,
    got(tokens) {
      const other = held(tokens);
      if (current?.identity === other.identity) {
        if (tokens.at > current.tokens.at) become(other);
      } else if (!current && started) become(other);
      // Somebody else signed in to this browser: nothing goes on in the first one's name.
      else if (current && current.user.sub !== other.user.sub) become(undefined);
    },
    out: forget,
  });

  function become(next: Held | undefined): void {
    const before = current;
    current = next;
    session = !next ? null : session && before && looksLike(before, next) ? session : sessionOf(next);
    for (const listener of listeners) listener(session);
  }

  /** Makes tokens the present ones, here, in the other tabs and where they are kept. */
  function take(given: Tokens): Held {
    // Clocks go back sometimes; what comes later is newer all the same.
    const tokens = { ...given, at: Math.max(given.at, (current?.tokens.at ?? 0) + 1) };
    const next = held(tokens);
    memory.keep(next, next.identity !== current?.identity);
    become(next);
    tabs.tell({ type: "got", tokens });
    return next;
  }

  function forget(): void {
    memory.forget();
    become(undefined);
  }

  function of(identity: string): Held {
    if (current?.identity === identity) return current;
    throw new RxauthError("session_ended", "The person signed out, or another session took the place of this one.");
  }

  function sessionOf({ user, identity }: Held): Session {
    const token = async (refused?: string) => {
      const one = of(identity);
      const { tokens } = one;
      if (tokens.access !== refused && Date.now() < tokens.renewAt) return tokens.access;
      try {
        return (await renew(one)).tokens.access;
      } catch (error) {
        if (tokens.access !== refused && Date.now() < tokens.expiresAt && isPassing(error)) return tokens.access;
        throw error;
      }
    };
    const prove = async (stepUp: StepUp) => {
      const required = (cause?: unknown) =>
        new RxauthError("step_up_required", "The person must prove again who it is.", { stepUp, cause });
      if (config.stepUp === "throw") throw required();
      proving ??= inWindow({ stepUp }, of(identity)).finally(() => {
        proving = undefined;
      });
      await proving.catch((error) => {
        throw isRxauthError(error, "popup_blocked") ? required(error) : error;
      });
    };
    return {
      user,
      can: (permission: Permission) => current?.identity === identity && current.permissions.includes(permission),
      getToken: ({ renew = false } = {}) => token(renew ? of(identity).tokens.access : undefined),
      ...calls(config, { token, prove }),
    } as Session;
  }

  function renew(one: Held): Promise<Held> {
    if (renewing?.identity === one.identity) return renewing.done;
    const done = tabs
      .alone((waited) => renewAlone(one, waited))
      .finally(() => {
        if (renewing?.done === done) renewing = undefined;
      });
    renewing = { identity: one.identity, done };
    return done;
  }

  async function renewAlone(one: Held, waited: boolean): Promise<Held> {
    const isNewer = (tokens: Tokens) => tokens.at > one.tokens.at && held(tokens).identity === one.identity;
    const found = memory.kept(isNewer) ?? (waited ? await tabs.ask(isNewer) : undefined);
    const now = of(one.identity);
    if (now.tokens.access !== one.tokens.access) return now;
    if (found) {
      become(held(found));
      return of(one.identity);
    }
    try {
      return await next(one);
    } catch (error) {
      if (!isPassing(error) && current?.identity === one.identity) forget();
      throw error;
    }
  }

  async function next(one: Held): Promise<Held> {
    const { refresh: token } = one.tokens;
    try {
      if (token) {
        const tokens = await refresh(config, token);
        await verify(tokens.id, config, {});
        return fitting({ ...tokens, refresh: tokens.refresh ?? token }, one);
      }
    } catch (error) {
      if (!isRxauthError(error, "login_required")) throw error;
    }
    return fitting(await silently({ organization: one.user.org_id }), one);
  }

  /** Takes tokens only if they are of the session that they were asked for. */
  function fitting(tokens: Tokens, one: Held): Held {
    of(one.identity);
    if (held(tokens).identity !== one.identity)
      throw new RxauthError("login_required", "Somebody else is signed in at the server.");
    return take(tokens);
  }

  async function silently(parameters: Parameters): Promise<Tokens> {
    const { url, asked } = await ask(config, { ...parameters, prompt: "none", response_mode: "web_message" });
    return conclude(config, keyOf, asked, await throughFrame(url, config.origin, asked.state));
  }

  function parametersOf({ stepUp, invitation, loginHint, prompt, organization }: LoginOptions): Parameters {
    return {
      prompt,
      login_hint: loginHint,
      organization: organization ?? invitation?.organization ?? (stepUp && current?.user.org_id),
      invitation: invitation?.invitation,
      ...stepUp,
    };
  }

  async function inWindow(options: LoginOptions, one?: Held): Promise<SignedIn> {
    const opened = openWindow();
    const { url, asked } = await ask(config, { ...parametersOf(options), response_mode: "web_message" });
    const tokens = await conclude(config, keyOf, asked, await throughWindow(opened, url, config.origin, asked.state));
    if (one) fitting(tokens, one);
    else take(tokens);
    return { session: session as Session, appState: options.appState };
  }

  async function login(options: LoginOptions & { readonly popup?: boolean } = {}): Promise<SignedIn> {
    if (options.popup) return inWindow(options);
    const { url, asked } = await ask(config, parametersOf(options));
    sessionStorage.setItem(config.name, JSON.stringify({ asked, appState: options.appState }));
    return leave(url);
  }

  async function handleRedirect(): Promise<SignedIn | null> {
    const url = new URL(location.href);
    const query = url.searchParams;
    if (!query.has("state") || !(query.has("code") || query.has("error"))) return null;
    const answer: Answer = Object.fromEntries(query);
    for (const name of ["code", "state", "iss", "error", "error_description"]) query.delete(name);
    history.replaceState(history.state, "", url);
    const text = sessionStorage.getItem(config.name);
    sessionStorage.removeItem(config.name);
    const { asked, appState } = JSON.parse(text ?? "{}") as { asked?: Asked; appState?: unknown };
    take(await conclude(config, keyOf, asked, answer));
    return { session: session as Session, appState };
  }

  async function restore(): Promise<Session | null> {
    const identity = memory.identity();
    if (session || identity === null) return session;
    const fits = (tokens: Tokens) => held(tokens).identity === identity;
    const found = memory.kept(fits) ?? (await tabs.ask(fits));
    if (session) return session;
    if (found) {
      become(held(found));
      return session;
    }
    try {
      take(await tabs.alone(() => silently({ organization: identity.split(" ")[1] || undefined })));
    } catch (error) {
      if (isPassing(error)) throw error;
      forget();
    }
    return session;
  }

  const client = {
    start: () => {
      started ??= begin().catch((error) => {
        started = undefined;
        throw error;
      });
      return started;
    },
    login,
    handleRedirect,
    restore,
    async switchOrganization(organization: string, { appState }: { appState?: unknown } = {}) {
      try {
        take(await silently({ organization }));
        return session as Session;
      } catch (error) {
        if (!isRxauthError(error, "login_required", "interaction_required", "consent_required", "timeout")) throw error;
        return (await login({ organization, appState })).session;
      }
    },
    logout({ returnTo = location.origin } = {}) {
      forget();
      tabs.tell({ type: "out" });
      const query = new URLSearchParams({ client_id: config.clientId, returnTo });
      return leave(`${config.domain}/v2/logout?${query}`);
    },
    session: () => session,
    user: () => session?.user ?? null,
    isAuthenticated: () => session !== null,
    can: (permission: Permission) => session?.can(permission) ?? false,
    onChange(listener: (session: Session | null) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return client as Client;

  async function begin(): Promise<Started> {
    return (await handleRedirect()) ?? { session: await restore(), appState: undefined };
  }
}

/** Leads the page elsewhere; what waits for it never goes on. */
function leave(url: string): Promise<never> {
  location.assign(url);
  return new Promise<never>(() => {});
}
