/** Who is there decides what there is to see. */

import { useAuth } from "@rxauth/sdk/react";
import { Orders } from "./Orders";

export function App() {
  const auth = useAuth();
  return (
    <>
      <header>
        <h1>Orders</h1>
        {auth.session && (
          <>
            <span>
              {auth.session.user.name}, {auth.session.user.org_name}
            </span>
            <button type="button" onClick={() => auth.client.logout()}>
              Sign out
            </button>
          </>
        )}
        {auth.status === "signed-out" && (
          <button type="button" onClick={() => auth.client.login()}>
            Sign in
          </button>
        )}
      </header>
      <main>
        {auth.status === "loading" && <p>One moment …</p>}
        {auth.status === "signed-out" && <p>Sign in to see your organization's orders.</p>}
        {auth.status === "signed-out" && auth.error && <p role="alert">{auth.error.message}</p>}
        {auth.status === "signed-in" && <Orders />}
      </main>
    </>
  );
}
