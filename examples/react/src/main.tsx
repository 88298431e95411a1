/** The page: who is there, and the orders that their organization has. */

import { AuthProvider } from "@rxauth/sdk/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { auth } from "./auth";

const place = document.getElementById("app");
if (!place) throw new Error("The page has no #app.");
createRoot(place).render(
  <StrictMode>
    <AuthProvider client={auth}>
      <App />
    </AuthProvider>
  </StrictMode>,
);
