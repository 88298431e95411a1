/** What must and must not type-check; `tsc` reads it, and nothing runs it. */

import {
  createClient,
  isRxauthError,
  type Operation,
  type ResultOf,
  type RxauthError,
  type Session,
  type VariablesOf,
} from "../src/index.js";
import { createPatient, organization, patients } from "../src/operations.js";
import { useAuth, useMutation, useOperation } from "../src/react.js";

const client = createClient({ domain: "localhost", clientId: "an-app", audience: "urn:api" });

export async function aSessionComesFirst(): Promise<string> {
  // @ts-expect-error A client has no tokens: its session does.
  client.getToken;
  // @ts-expect-error Perhaps nobody is signed in.
  client.session().getToken();
  // @ts-expect-error A session is not made by hand.
  const made: Session = {
    user: { sub: "usr_1" },
    can: () => true,
    getToken: async () => "",
    ...({} as never as object),
  };
  const { session } = await client.start();
  // @ts-expect-error Perhaps nobody was.
  session.fetch("/");
  return session ? session.getToken() : made.getToken();
}

export async function aRedirectNeverComesBack(): Promise<void> {
  const gone: never = await client.login({ appState: 1 });
  const { session } = await client.login({ popup: true });
  session.user.email?.length;
  return gone;
}

export function permissionsAreNamed(session: Session): boolean {
  // @ts-expect-error There is no such permission.
  client.can("wirte:patient");
  return session.can("write:patient");
}

export async function operationsAreTyped(session: Session): Promise<string | undefined> {
  const found = await session.graphql(patients, { first: 3, filter: { name: "ada" } });
  await session.graphql(organization);
  // @ts-expect-error A name is required.
  await session.graphql(createPatient, { dateOfBirth: "1980-02-29", sex: "FEMALE", phone: "+15551234567" });
  // @ts-expect-error Something is required.
  await session.graphql(createPatient);
  const named = { name: { first: "A", last: "B" }, dateOfBirth: "1980-02-29", phone: "+15551234567" };
  await session.graphql(createPatient, { ...named, sex: "FEMALE" });
  // @ts-expect-error There is no such sex.
  await session.graphql(createPatient, { ...named, sex: "F" });
  // @ts-expect-error There is no such variable.
  await session.graphql(patients, { last: 3 });
  // @ts-expect-error A patient has no such field.
  found.patients[0]?.shoeSize;
  return found.patients[0]?.name.full;
}

export type Row = NonNullable<ResultOf<typeof patients>["patients"][number]>;
export const fullName = (row: Row): string => row.name.full;
// @ts-expect-error A row is a patient.
export const row: Row = 7;
export const wanted: VariablesOf<typeof createPatient>["sex"] = "FEMALE";
// @ts-expect-error There is no such sex.
export const unwanted: VariablesOf<typeof createPatient>["sex"] = "F";

export function ownDocumentsAreTypedAsTheirMakersSay(
  session: Session,
  own: Operation<{ a: 1 }, { b: 2 }>,
): Promise<{ a: 1 }> {
  return session.graphql(own, { b: 2 });
}

export async function onlyAnErrorAsksForAStepUp(): Promise<void> {
  // @ts-expect-error What to prove is what an answer asked for.
  await client.login({ stepUp: { acr_values: "aal2" } });
  try {
    await client.restore();
  } catch (error) {
    if (isRxauthError(error, "step_up_required") && error.stepUp) await client.login({ stepUp: error.stepUp });
    // @ts-expect-error There is no such code.
    isRxauthError(error, "step_down");
  }
}

export function anErrorOfAnotherCodeIsStillOne(error: RxauthError): string {
  if (isRxauthError(error, "network")) return error.code satisfies "network";
  return error.message;
}

export function useTypedHooks(): unknown {
  const auth = useAuth();
  // @ts-expect-error Perhaps nobody is signed in.
  auth.session.getToken();
  if (auth.status === "signed-in") auth.session.getToken();
  const [create] = useMutation(createPatient);
  // @ts-expect-error A mutation does not run because a page is shown.
  useOperation(createPatient, { name: { first: "A", last: "B" }, dateOfBirth: "1980-02-29", sex: "MALE", phone: "+1" });
  // @ts-expect-error A query changes nothing.
  useMutation(patients);
  return [useOperation(patients).data?.patients[0]?.id, create];
}
