/** What goes wrong, shown where everybody looks. */

import { isRxauthError } from "@rxauth/sdk";
import { auth } from "./auth";
import { element, place } from "./elements";

/** Runs something that a person asked for, and shows what goes wrong with it. */
export async function attempt(work: () => Promise<void>): Promise<void> {
  const shown = place("[role=alert]");
  shown.replaceChildren();
  try {
    await work();
  } catch (error) {
    const isOver = isRxauthError(error, "login_required", "session_ended");
    if (isOver || (error instanceof DOMException && error.name === "AbortError")) return;
    if (isRxauthError(error, "step_up_required") && error.stepUp) {
      const { stepUp } = error;
      const again = () => attempt(async () => void (await auth.login({ popup: true, stepUp })));
      shown.append("Prove again who you are, then try again. ", element("button", { onclick: again }, "Prove it"));
    } else shown.append(error instanceof Error ? error.message : String(error));
  }
}
