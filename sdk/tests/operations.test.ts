import { readFileSync } from "node:fs";
import { buildSchema, parse, validate } from "graphql";
import { expect, test } from "vitest";
import * as operations from "../src/operations.js";

const schema = buildSchema(readFileSync(new URL("../dist/schema.graphql", import.meta.url), "utf8"));
const roots = [schema.getQueryType(), schema.getMutationType()].flatMap((root) => Object.keys(root?.getFields() ?? {}));

test("there is one operation for each field, and each fits the schema", () => {
  expect(Object.keys(operations).sort()).toEqual(roots.sort());
  for (const document of Object.values(operations)) expect(validate(schema, parse(`${document}`))).toEqual([]);
});

test("an operation asks for nothing that another permission opens", () => {
  expect(`${operations.patients}`).toContain("dateOfBirth");
  expect(`${operations.patients}`).not.toContain("prescriptions");
  expect(`${operations.orders}`).toContain("fills");
});
