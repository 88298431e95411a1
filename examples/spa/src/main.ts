/** The page: nobody there, or a session and what its person may see. */

import type { Session } from "@rxauth/sdk";
import { auth } from "./auth";
import { element, place } from "./elements";
import { search } from "./patients";
import { sheet } from "./prescribe";
import { attempt } from "./problems";

function button(text: string, work: () => Promise<unknown>): HTMLButtonElement {
  return element("button", { type: "button", onclick: () => attempt(async () => void (await work())) }, text);
}

function showNobody(): void {
  place("header").replaceChildren(
    element("h1", {}, "Prescribe"),
    button("Sign in", () => auth.login()),
  );
  place("main").replaceChildren(element("p", {}, "Sign in to see your patients."));
}

function showSession(session: Session): void {
  const { name, org_name } = session.user;
  const who = element("span", {}, `${name}${org_name ? `, ${org_name}` : ""}`);
  place("header").replaceChildren(
    element("h1", {}, "Prescribe"),
    who,
    button("Sign out", () => auth.logout()),
  );
  const chosen = element("div", {});
  const open = search(session, async (patient) => chosen.replaceChildren(await sheet(session, patient)));
  place("main").replaceChildren(open, chosen);
}

let shown: Session | null | undefined;

/** Shows who is there, and leaves the page as it is while the same person stays. */
function show(session: Session | null): void {
  const isSame = shown?.user.sub === session?.user.sub && shown?.user.org_id === session?.user.org_id;
  if (shown === undefined || !isSame) session ? showSession(session) : showNobody();
  shown = session;
}

auth.onChange(show);
await attempt(async () => void (await auth.start()));
show(auth.session());
