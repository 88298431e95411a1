/** The one client of this application. */

import { createClient } from "@rxauth/sdk";

const { VITE_RXAUTH_URL: url, VITE_RXAUTH_CLIENT_ID: clientId } = import.meta.env;

export const auth = createClient({ domain: url, clientId, audience: url });
