/** The newest orders, and what may be done with each. */

import { isRxauthError, type ResultOf } from "@rxauth/sdk";
import { cancelOrder, orders } from "@rxauth/sdk/operations";
import { RequirePermission, useMutation, useOperation } from "@rxauth/sdk/react";
import { useState } from "react";

type Order = NonNullable<ResultOf<typeof orders>["orders"][number]>;
type State = Order["state"];

const STATES: readonly State[] = ["ROUTING", "PENDING", "PLACED", "COMPLETED", "CANCELED", "ERROR"];

export function Orders() {
  const [state, setState] = useState<State | "">("");
  const variables = state ? { filter: { state }, first: 20 } : { first: 20 };
  const { status, data, error, refetch } = useOperation(orders, variables);
  return (
    <>
      <label>
        State
        <select value={state} onChange={(event) => setState(event.target.value as State | "")}>
          <option value="">all</option>
          {STATES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      {error && (
        <p role="alert">
          {isRxauthError(error, "FORBIDDEN") ? "Your role does not show orders." : error.message}{" "}
          <button type="button" onClick={refetch}>
            Try again
          </button>
        </p>
      )}
      <ul aria-busy={status === "loading"}>
        {data?.orders.map((one) => one && <Row key={one.id} order={one} changed={refetch} />)}
      </ul>
      {data?.orders.length === 0 && <p>There are no such orders.</p>}
    </>
  );
}

function Row({ order, changed }: { readonly order: Order; readonly changed: () => void }) {
  const [cancel, { status, error }] = useMutation(cancelOrder);
  const isOver = ["COMPLETED", "CANCELED"].includes(order.state);
  return (
    <li>
      <strong>{order.patient.name.full}</strong> {order.state}
      <br />
      {order.fills.map((one) => one.treatment.name).join(", ")}
      {order.pharmacy && ` at ${order.pharmacy.name}`}
      {!isOver && (
        <RequirePermission permission="write:order">
          {" "}
          <button
            type="button"
            disabled={status === "loading"}
            onClick={() => cancel({ id: order.id }).then(changed, () => {})}
          >
            Cancel
          </button>
        </RequirePermission>
      )}
      {error && <p role="alert">{error.message}</p>}
    </li>
  );
}
