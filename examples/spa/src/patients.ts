/** The search for a patient. */

import type { ResultOf, Session } from "@rxauth/sdk";
import { patients } from "@rxauth/sdk/operations";
import { element, field } from "./elements";
import { attempt } from "./problems";

export type Patient = NonNullable<ResultOf<typeof patients>["patients"][number]>;

/** Returns a search, which calls back with the patient that is chosen. */
export function search(session: Session, choose: (patient: Patient) => Promise<void>): HTMLElement {
  const typed = element("input", { type: "search", autocomplete: "off" });
  const found = element("ul", {});
  let stop = new AbortController();
  const look = async () => {
    // What was typed before is not asked for any more: its answer might come after this one's.
    stop.abort();
    stop = new AbortController();
    const filter = typed.value ? { name: typed.value } : null;
    const answer = await session.graphql(patients, { filter, first: 20 }, stop);
    found.replaceChildren(...answer.patients.flatMap((one) => (one ? [row(one)] : [])));
    if (!answer.patients.length) found.append(element("li", {}, "Nobody has a name that begins so."));
  };
  const row = (one: Patient) => {
    const open = element("button", { type: "button", onclick: () => attempt(() => choose(one)) }, one.name.full);
    return element("li", {}, open, ` ${one.dateOfBirth}`);
  };
  typed.oninput = () => attempt(look);
  void attempt(look);
  return element("section", {}, element("h2", {}, "Patients"), field("Name", typed), found);
}
