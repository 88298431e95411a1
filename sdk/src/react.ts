"use client";
/** The session in React: it renders on a server too, where nobody is signed in yet. */

import {
  createContext,
  createElement,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useState,
  useSyncExternalStore,
} from "react";
import type { CallOptions, Operation, Rest } from "./calls.js";
import type { Client } from "./contract.js";
import { RxauthError } from "./errors.js";
import type { Permission } from "./generated/api.js";
import type { Session } from "./session.js";

/** What a page knows of who is there. Only where somebody is, there is a session to use. */
export type Auth =
  | { readonly status: "loading"; readonly client: Client; readonly session: null }
  | { readonly status: "signed-out"; readonly client: Client; readonly session: null; readonly error?: RxauthError }
  | { readonly status: "signed-in"; readonly client: Client; readonly session: Session };

const Context = createContext<Auth | null>(null);
const nobody = () => null;

/** What `AuthProvider` takes. */
export interface AuthProviderProps {
  /** Made once, outside of components. */
  readonly client: Client;
  readonly children?: ReactNode;
  /** Called when somebody comes back from the sign-in, with what the application gave to `login`. */
  readonly onReturn?: (appState: unknown) => void;
}

/** Starts a client when the page loads, and tells the components below who is there. */
export function AuthProvider({ client, children, onReturn }: AuthProviderProps): ReactNode {
  const session = useSyncExternalStore(client.onChange, client.session, nobody);
  const [outcome, setOutcome] = useState<{ readonly error?: RxauthError } | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new onReturn is no reason to start again
  useEffect(() => {
    let mounted = true;
    client.start().then(
      ({ appState }) => {
        if (!mounted) return;
        setOutcome({});
        if (appState !== undefined) onReturn?.(appState);
      },
      (thrown) => mounted && setOutcome({ error: asError(thrown) }),
    );
    return () => {
      mounted = false;
    };
  }, [client]);
  const auth: Auth = session
    ? { status: "signed-in", client, session }
    : outcome
      ? { status: "signed-out", client, session: null, ...outcome }
      : { status: "loading", client, session: null };
  return createElement(Context.Provider, { value: auth }, children);
}

/** Returns who is there. */
export function useAuth(): Auth {
  const auth = useContext(Context);
  if (!auth) throw new Error("useAuth is used outside of <AuthProvider>.");
  return auth;
}

/** Returns a function that returns an access token: ask it anew for each request, since tokens change. */
export function useToken(): () => Promise<string> {
  const { session } = useAuth();
  return useCallback(() => present(session).getToken(), [session]);
}

/** Where an operation stands. data stays while it is asked for again. */
export interface OperationState<Data> {
  readonly status: "idle" | "loading" | "done" | "failed";
  readonly data?: Data;
  readonly error?: RxauthError;
}

/** Runs a query as soon as somebody is signed in, and again whenever its variables or the session change. */
export function useOperation<Data, Variables>(
  operation: Operation<Data, Variables, "query">,
  ...[variables, options]: object extends Variables
    ? [variables?: Variables, options?: { readonly skip?: boolean }]
    : [variables: Variables, options?: { readonly skip?: boolean }]
): OperationState<Data> & { readonly refetch: () => void } {
  const { session } = useAuth();
  const [turn, setTurn] = useState(0);
  const identity = session && `${session.user.sub} ${session.user.org_id}`;
  const key = `${identity} ${operation} ${JSON.stringify(variables)}`;
  const [state, setState] = useState<OperationState<Data> & { readonly key?: string }>({ status: "idle" });
  const skipped = !session || options?.skip;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says all that it depends on
  useEffect(() => {
    if (skipped) return;
    const stop = new AbortController();
    setState((before) => ({ ...(before.key === key && before), key, status: "loading" }));
    session.graphql(operation, ...([variables, { signal: stop.signal }] as unknown as Rest<Variables>)).then(
      (data) => stop.signal.aborted || setState({ key, status: "done", data }),
      (thrown) => stop.signal.aborted || setState({ key, status: "failed", error: asError(thrown) }),
    );
    return () => stop.abort();
  }, [key, skipped, turn]);
  const refetch = useCallback(() => setTurn((before) => before + 1), []);
  // What another person or organization was shown is gone at once, not with the next answer.
  return { ...(state.key === key ? state : { status: skipped ? "idle" : "loading" }), refetch };
}

/** Returns a function that runs a mutation, and where it stands. The function throws what goes wrong too. */
export function useMutation<Data, Variables>(
  operation: Operation<Data, Variables, "mutation">,
): readonly [(variables: Variables, options?: CallOptions) => Promise<Data>, OperationState<Data>] {
  const { session } = useAuth();
  const [state, setState] = useState<OperationState<Data>>({ status: "idle" });
  const run = useCallback(
    async (variables: Variables, options?: CallOptions) => {
      setState({ status: "loading" });
      try {
        const rest = [variables, options] as unknown as Rest<Variables>;
        const data = await present(session).graphql(operation, ...rest);
        setState({ status: "done", data });
        return data;
      } catch (thrown) {
        setState({ status: "failed", error: asError(thrown) });
        throw thrown;
      }
    },
    [session, operation],
  );
  return [run, state];
}

/** What `RequirePermission` takes. */
export interface RequirePermissionProps {
  readonly permission: Permission;
  readonly children?: ReactNode;
  /** Shown to who may not, and while nobody is signed in. */
  readonly fallback?: ReactNode;
}

/** Shows its children to who has a permission. It hides; what may be done is decided by the API. */
export function RequirePermission({ permission, children, fallback = null }: RequirePermissionProps): ReactNode {
  return useAuth().session?.can(permission) ? children : fallback;
}

function present(session: Session | null): Session {
  if (session) return session;
  throw new RxauthError("login_required", "Nobody is signed in.");
}

function asError(thrown: unknown): RxauthError {
  return thrown instanceof RxauthError ? thrown : new RxauthError("server_error", String(thrown), { cause: thrown });
}
