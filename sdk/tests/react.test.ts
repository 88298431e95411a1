import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import { createClient } from "../src/index.js";
import { patients } from "../src/operations.js";
import { AuthProvider, RequirePermission, useAuth, useOperation } from "../src/react.js";

const client = createClient({ domain: "localhost", clientId: "an-app", audience: "urn:api" });

function Page() {
  const { status } = useAuth();
  const found = useOperation(patients, { first: 3 });
  const shown = createElement(RequirePermission, { permission: "write:patient", fallback: "no" }, "yes");
  return createElement("p", null, status, " ", found.status, " ", shown);
}

test("a page is rendered on a server, where nobody is there yet", () => {
  const html = renderToString(createElement(AuthProvider, { client }, createElement(Page)));
  expect(html.replaceAll("<!-- -->", "")).toBe("<p>loading idle no</p>");
});

test("a hook outside of the provider says so", () => {
  expect(() => renderToString(createElement(Page))).toThrow("<AuthProvider>");
});
