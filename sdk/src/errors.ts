/** The one class of everything that goes wrong, and what to do about each. */

import type { ApiCode } from "./generated/api.js";

/** What to do, for each code that this package itself gives. */
export const ADVICE = {
  insecure_context: "Serve the page over https, or from localhost.",
  login_required: "Call login().",
  interaction_required: "Call login(): something is to be chosen or proven.",
  consent_required: "Call login(): something is to be agreed to.",
  access_denied: "Show the message; offer another organization or person.",
  invalid_request: "Compare domain, clientId, audience and the registered URLs.",
  state_mismatch: "Call login() again: no login of this tab was answered.",
  invalid_id_token: "Compare domain and clientId, and look at this device's clock.",
  wrong_organization: "Call login() again.",
  session_ended: "Take the present session from session(), or call login().",
  step_up_required: "Call login({ stepUp: error.stepUp }) on a click, then try again.",
  popup_blocked: "Call login() where a click is handled, or without popup.",
  popup_closed: "Offer the login again.",
  timeout: "Try again.",
  network: "Try again: the session is kept.",
  unavailable: "Try again, in error.retryAfter seconds if that is there.",
  origin_not_allowed: "Name the origin in apis, if it may see tokens.",
  server_error: "See the server's log.",
} as const;

/** The codes that this package itself gives. */
export type SdkCode = keyof typeof ADVICE;

/** Everything that `code` can be: the package's own codes in small letters, the API's in capitals. */
export type ErrorCode = SdkCode | ApiCode;

declare const asked: unique symbol;

/** How the person must prove again who it is: only an error that asks for it has one. */
export interface StepUp {
  readonly [asked]: true;
  readonly acr_values?: string;
  readonly max_age?: string;
}

/** One entry of `errors` in an answer of the API. */
export interface ApiError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: {
    readonly code?: ApiCode;
    readonly field?: string;
    readonly reason?: string;
    readonly requiredPermission?: string;
    readonly [name: string]: unknown;
  };
}

/** What some errors say beside code and message. */
export interface ErrorDetails {
  readonly cause?: unknown;
  /** What `login` takes, when the code is `step_up_required`. */
  readonly stepUp?: StepUp;
  /** In seconds. */
  readonly retryAfter?: number;
  /** What the API answered, when the code is one of the API's. */
  readonly errors?: readonly ApiError[] | undefined;
  /** What the API answered beside its errors. */
  readonly data?: unknown;
}

/** Everything that goes wrong. Match on `code`: it is stable. `advice` is for developers. */
export class RxauthError extends Error {
  override readonly name = "RxauthError";
  readonly code: ErrorCode;
  /** What to do. */
  readonly advice: string;
  declare readonly stepUp?: StepUp;
  declare readonly retryAfter?: number;
  declare readonly errors?: readonly ApiError[] | undefined;
  declare readonly data?: unknown;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message);
    Object.assign(this, details);
    this.code = code;
    this.advice = ADVICE[code as SdkCode] ?? "See the message, and docs/errors.md.";
  }
}

/** Tells whether something thrown is an error of this package, and of this code if one is given. */
export function isRxauthError<Code extends ErrorCode = ErrorCode>(
  thrown: unknown,
  ...codes: Code[]
): thrown is RxauthError & { readonly code: Code } {
  return thrown instanceof RxauthError && (!codes.length || (codes as ErrorCode[]).includes(thrown.code));
}

/** Returns an OAuth error as ours; a code that no program can act on becomes `invalid_request`. */
export function ofOAuth(code: string, description: string | undefined, details?: ErrorDetails): RxauthError {
  const message = description ?? code;
  const known = { invalid_grant: "login_required", temporarily_unavailable: "unavailable" }[code] ?? code;
  if (known in ADVICE) return new RxauthError(known as SdkCode, message, details);
  return new RxauthError("invalid_request", `${code}: ${message}`, details);
}
