/** Requests with a token: renewed once if it was refused, proven anew if the answer asks for it. */

import { type ApiError, RxauthError, type StepUp } from "./errors.js";
import type { Config } from "./options.js";
import { retryAfterOf } from "./token-endpoint.js";

/**
 * A GraphQL document that knows what it takes and what it answers.
 *
 * The ones of `@rxauth/sdk/operations` are such, and so are the typed strings that GraphQL Code Generator makes.
 */
export interface Operation<Data, Variables, Kind extends "query" | "mutation" = "query" | "mutation"> {
  /** Returns the document as it is sent. */
  toString(): string;
  readonly __apiType?: (variables: Variables) => Data;
  readonly __kind?: Kind;
}

/** What knows what it takes and answers. */
export type Typed = { readonly __apiType?: (variables: never) => unknown };

/** What an operation answers. */
export type ResultOf<O extends Typed> = ReturnType<NonNullable<O["__apiType"]>>;

/** What an operation takes. */
export type VariablesOf<O extends Typed> = Parameters<NonNullable<O["__apiType"]>>[0];

/** What goes with one call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Makes a mutation safe to send again: the server does it once. */
  readonly idempotencyKey?: string;
}

/** The variables, which may be left out if none is required. */
export type Rest<Variables> = object extends Variables
  ? [variables?: Variables, options?: CallOptions]
  : [variables: Variables, options?: CallOptions];

/** What a session can send. */
export interface Call {
  /**
   * Sends a request with the token. A token that is refused is renewed once, and the request sent again. A request that
   * its own signal ends throws what the signal says.
   *
   * @throws RxauthError `origin_not_allowed`: the server is not one that may see the token.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /**
   * Runs an operation and returns its data.
   *
   * @throws RxauthError the API's code of the first error, and all of them in `errors`.
   */
  graphql<Data, Variables>(operation: Operation<Data, Variables>, ...rest: Rest<Variables>): Promise<Data>;
}

/** What a call asks of its client. */
export interface Holder {
  /** Returns a token; refused: one that a server did not accept. */
  token(refused?: string): Promise<string>;
  /** Has the person prove again who it is. */
  prove(wanted: StepUp): Promise<void>;
}

/** Returns what can be sent with a holder's tokens. */
export function calls(config: Config, holder: Holder): Call {
  const call: Call = {
    async fetch(input, init) {
      const request = new Request(input, init);
      if (!config.allowed.has(new URL(request.url).origin))
        throw new RxauthError("origin_not_allowed", `${new URL(request.url).origin} may not see the token.`);
      const token = await holder.token();
      const answer = await send(request.clone(), token);
      if (answer.status !== 401) return answer;
      const wanted = challenged(answer.headers.get("www-authenticate"));
      if (wanted) await holder.prove(wanted);
      return send(request, await holder.token(wanted ? undefined : token));
    },
    async graphql(operation, ...[variables, options]) {
      const headers = new Headers({
        accept: "application/graphql-response+json",
        "content-type": "application/json",
      });
      if (options?.idempotencyKey) headers.set("idempotency-key", options.idempotencyKey);
      const response = await call.fetch(`${config.domain}/graphql`, {
        method: "POST",
        headers,
        body: JSON.stringify({ query: `${operation}`, variables }),
        signal: options?.signal ?? null,
      });
      const answer = await response.json().catch(() => ({}));
      const [first] = (answer.errors ?? []) as readonly ApiError[];
      if (!first && answer.data) return answer.data;
      throw refusal(first, answer, response);
    },
  };
  return call;
}

async function send(request: Request, token: string): Promise<Response> {
  request.headers.set("authorization", `Bearer ${token}`);
  try {
    return await fetch(request);
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    throw new RxauthError("network", "The server was not reached.", { cause });
  }
}

function refusal(first: ApiError | undefined, answer: { data?: unknown; errors?: ApiError[] }, response: Response) {
  const { code = "server_error", acr_values, max_age } = first?.extensions ?? {};
  const message = first?.message ?? `The API answered with status ${response.status}.`;
  const details = { errors: answer.errors, data: answer.data, ...retryAfterOf(response) };
  if (code !== "INSUFFICIENT_USER_AUTHENTICATION") return new RxauthError(code, message, details);
  const stepUp = { acr_values: `${acr_values}`, max_age: `${max_age}` } as unknown as StepUp;
  return new RxauthError("step_up_required", message, { ...details, stepUp });
}

/** Reads what a challenge asks of the person; undefined: nothing (RFC 9470 §3). */
export function challenged(header: string | null): StepUp | undefined {
  if (!header?.includes("insufficient_user_authentication")) return undefined;
  return Object.fromEntries(
    [...header.matchAll(/(acr_values|max_age)="?([^",]+)/g)].map(([, name, value]) => [name, value]),
  ) as unknown as StepUp;
}
