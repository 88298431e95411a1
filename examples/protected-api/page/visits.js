// Signs somebody in with a token for this API alone, and sends it what it is asked. No bundler: the SDK is plain modules.
import { createClient } from "/sdk/index.js";

const place = (selector) => document.querySelector(selector);
const auth = createClient(await (await fetch("/client.json")).json());

/** Asks the API; a refusal is shown. */
async function ask(session, init) {
  const answer = await session.fetch("/visits", init);
  const said = await answer.json();
  if (!answer.ok) throw new Error(`${answer.status}: ${said.detail}`);
  return said;
}

async function show(session) {
  const visits = await ask(session);
  const lines = visits.map(({ patient_id, day, reason }) => `${day} ${patient_id}: ${reason}`);
  place("ul").replaceChildren(
    ...lines.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
  place("form").hidden = !session.can("write:patient");
}

async function add(session) {
  const body = JSON.stringify(Object.fromEntries(new FormData(place("form"))));
  await ask(session, { method: "POST", headers: { "content-type": "application/json" }, body });
  await show(session);
}

function attempt(work) {
  place("[role=alert]").textContent = "";
  work().catch((error) => {
    place("[role=alert]").textContent = error.message;
  });
}

attempt(async () => {
  const { session } = await auth.start();
  place("#who").textContent = session ? session.user.name : "Nobody is signed in.";
  place("#sign").textContent = session ? "Sign out" : "Sign in";
  place("#sign").onclick = () => attempt(() => (session ? auth.logout() : auth.login()));
  if (!session) return;
  place("form").onsubmit = (event) => {
    event.preventDefault();
    attempt(() => add(session));
  };
  await show(session);
});
