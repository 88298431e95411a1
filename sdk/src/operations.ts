/** One operation for each field of the API, with everything that it shows and that asks for no other permission. */

export type { Operation, ResultOf, VariablesOf } from "./calls.js";
export * from "./generated/operations.js";
