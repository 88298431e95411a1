/** One patient: what was prescribed, and a prescription to sign. */

import type { Session } from "@rxauth/sdk";
import {
  createPrescription,
  dispenseUnits,
  medications,
  prescriptionScreen,
  prescriptions,
} from "@rxauth/sdk/operations";
import { element, field } from "./elements";
import type { Patient } from "./patients";
import { attempt } from "./problems";

/** Returns the sheet of a patient. */
export async function sheet(session: Session, patient: Patient): Promise<HTMLElement> {
  const written = element("ul", {});
  const show = async () => {
    const answer = await session.graphql(prescriptions, { filter: { patientId: patient.id }, first: 20 });
    const rows = answer.prescriptions.map((one) => one && `${one.treatment.name}: ${one.instructions} (${one.state})`);
    written.replaceChildren(...rows.map((text) => element("li", {}, text)));
    if (!rows.length) written.append(element("li", {}, "Nothing was prescribed here yet."));
  };
  await show();
  const place = patient.address ? `, ${patient.address.city}, ${patient.address.state}` : "";
  const about = element("p", { className: "note" }, `Born ${patient.dateOfBirth}${place}`);
  const head = [element("h2", {}, patient.name.full), about, written];
  // What a person may not do is not offered; the API decides all the same.
  const may = session.can("write:prescription");
  const rest = may ? await form(session, patient, show) : element("p", {}, "Only authorized providers prescribe.");
  return element("section", {}, ...head, element("h2", {}, "Prescribe"), rest);
}

async function form(session: Session, patient: Patient, done: () => Promise<void>): Promise<HTMLElement> {
  const units = (await session.graphql(dispenseUnits)).dispenseUnits;
  const drug = element("input", { type: "search", autocomplete: "off" });
  const treatment = element("select", { required: true });
  const quantity = element("input", { type: "number", min: "1", value: "30", required: true });
  const unit = element("select", {}, ...units.map((one) => element("option", {}, one?.name)));
  unit.value = "Tablet";
  const fills = element("input", { type: "number", min: "1", max: "12", value: "1", required: true });
  const instructions = element("textarea", { required: true, value: "Take one by mouth daily" });
  const warned = element("div", {});
  const draft = () => ({
    dispenseQuantity: quantity.valueAsNumber,
    dispenseUnit: unit.value,
    fillsAllowed: fills.valueAsNumber,
    instructions: instructions.value,
  });

  let stop = new AbortController();
  const look = async () => {
    stop.abort();
    stop = new AbortController();
    const answer = await session.graphql(medications, { filter: { drug: { name: drug.value } }, first: 20 }, stop);
    const options = answer.medications.map((one) => element("option", { value: `${one?.id}` }, one?.name));
    treatment.replaceChildren(...options);
    await check();
  };
  const check = async () => {
    const drafted = { ...draft(), treatment: { id: treatment.value } };
    const asked = { patientId: patient.id, draftedPrescriptions: treatment.value ? [drafted] : [] };
    const { alerts } = (await session.graphql(prescriptionScreen, asked)).prescriptionScreen;
    warned.replaceChildren(...alerts.map((one) => element("p", {}, `${one.severity}: ${one.description}`)));
  };
  // One key for one wish: sent again after a lost answer, it writes nothing twice.
  let key = crypto.randomUUID();
  const sign = async () => {
    const wanted = { patientId: patient.id, treatmentId: treatment.value, ...draft() };
    await session.graphql(createPrescription, wanted, { idempotencyKey: key });
    key = crypto.randomUUID();
    await done();
  };
  const send = element("button", {}, "Sign the prescription");
  const onsubmit = async (event: SubmitEvent) => {
    event.preventDefault();
    send.disabled = true;
    await attempt(sign);
    send.disabled = false;
  };
  drug.oninput = () => attempt(look);
  treatment.onchange = () => attempt(check);
  const amounts = element(
    "div",
    { className: "row" },
    field("Quantity", quantity),
    field("Unit", unit),
    field("Fills", fills),
  );
  const choices = [field("Find a medication", drug), field("Medication", treatment), amounts];
  return element("form", { onsubmit }, ...choices, field("Instructions", instructions), warned, send);
}
