/** The client of one application: signing in and out, and the session between. */

import { ask, conclude, type Parameters } from "./authorization.js";
import { calls } from "./calls.js";
import type { Client, LoginOptions, SignedIn, Started } from "./contract.js";
import { isRxauthError, RxauthError, type StepUp } from "./errors.js";
import type { Permission } from "./generated/api.js";
import { keysOf, verify } from "./id-token.js";
import { landed, leave } from "./landing.js";
import { remember } from "./memory.js";
import { type ClientOptions, configure } from "./options.js";
import { type Held, held, type Session } from "./session.js";
import { join } from "./tabs.js";
import { isPassing, refresh, type Tokens } from "./token-endpoint.js";
import { openWindow, throughFrame, throughWindow } from "./windows.js";

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
    session = !next ? null : session && before?.shown === next.shown ? session : sessionOf(next);
    for (const listener of listeners) {
      try {
        listener(session);
      } catch (error) {
        reportError(error); // What a page does with it must not keep the other tabs from hearing.
      }
    }
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
    return leave(config, url, { asked, appState: options.appState });
  }

  async function handleRedirect(): Promise<SignedIn | null> {
    const back = landed(config);
    if (!back) return null;
    take(await conclude(config, keyOf, back.asked, back.answer));
    return { session: session as Session, appState: back.appState };
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
      return leave(config, `${config.domain}/v2/logout?${query}`);
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
    try {
      return (await handleRedirect()) ?? { session: await restore(), appState: undefined };
    } catch (error) {
      // What was refused was this sign-in; the session before it goes on.
      if (!session) await restore().catch(() => null);
      throw error;
    }
  }
}
