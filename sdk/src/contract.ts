/** What a client can do, as applications see it. */

import type { StepUp } from "./errors.js";
import type { Permission } from "./generated/api.js";
import type { User } from "./id-token.js";
import type { Invitation } from "./invitation.js";
import type { Session } from "./session.js";

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
  /** The present session's person; null: nobody is signed in. */
  user(): User | null;
  /** Tells whether somebody is signed in. */
  isAuthenticated(): boolean;
  /** Tells whether somebody is signed in who may do something now. */
  can(permission: Permission): boolean;
  /** Calls a function whenever the session begins, is renewed or ends. Returns what stops that. */
  onChange(listener: (session: Session | null) => void): () => void;
}
