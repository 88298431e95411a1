/** Signs people in with rxauth in a browser, and calls the API for them. */

export type { Call, CallOptions, Operation, Rest, ResultOf, Typed, VariablesOf } from "./calls.js";
export { createClient } from "./client.js";
export type { Client, LoginOptions, SignedIn, Started } from "./contract.js";
export {
  type ApiError,
  type ErrorCode,
  type ErrorDetails,
  isRxauthError,
  RxauthError,
  type SdkCode,
  type StepUp,
} from "./errors.js";
export type { ApiCode, Permission } from "./generated/api.js";
export type { User } from "./id-token.js";
export { type Invitation, invitation } from "./invitation.js";
export type { ClientOptions, TokenStorage } from "./options.js";
export type { Session } from "./session.js";
