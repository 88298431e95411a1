"""What was done over time, as charts: of everything on the page Activity, and closer on a page of its own.

Another page shows a client's tokens so: its document asks `tokenSeries(last: 30) { at issued refused }` of an App or a
MachineClient, its values have `"chart": activity_charts.tokens(client["tokenSeries"])`, and its template says
`{{ chart }}` where it shall stand.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.pages.charts import Line, bars
from rxauth.edge.pages.wording import seconds
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Data, Section, Variables

PATH: Final = f"{SETTINGS_PATH}/activity/over-time"
PERIODS: Final = {
    "day": ("HOUR", 24, "The last 24 hours"),
    "month": ("DAY", 30, "The last 30 days"),
    "quarter": ("DAY", 90, "The last 90 days"),
}
_USUAL: Final = "month"
_CLIENT: Final = re.compile(r"[0-9A-Za-z]{32}")
EVERYTHING: Final = """
    issued: activitySeries(event: "token.issued") { at count }
    refused: activitySeries(event: "token.refused") { at count }
    signedIn: activitySeries(event: "person.signed_in") { at count }
    signInRefused: activitySeries(event: "person.sign_in_refused") { at count }
    webhookDeliverySeries @include(if: $can_read_webhook_config) { at delivered dead }
"""
_QUERY: Final = """
query ActivityOverTime(
  $clientId: ID, $step: ActivityStep!, $last: Int!, $can_read_client: Boolean!, $can_read_webhook_config: Boolean!
) {
  ... @include(if: $can_read_client) { machineClient { id name } apps { id name } }
  issued: activitySeries(event: "token.issued", clientId: $clientId, step: $step, last: $last) { at count }
  refused: activitySeries(event: "token.refused", clientId: $clientId, step: $step, last: $last) { at count }
  signedIn: activitySeries(event: "person.signed_in", step: $step, last: $last) { at count }
  signInRefused: activitySeries(event: "person.sign_in_refused", step: $step, last: $last) { at count }
  webhookDeliverySeries(step: $step, last: $last) @include(if: $can_read_webhook_config) { at delivered dead }
}
"""
Times = Sequence[Mapping[str, Any]]


def tokens(times: Times, title: str = "Tokens") -> Markup:
    """Draws how many tokens there were, and how many exchanges were refused; times: as tokenSeries gives them."""
    lines = [_line("issued", "good", times, "issued"), _line("refused", "bad", times, "refused")]
    return bars("chart-tokens", title, _begins(times), lines, "No token was issued, and none refused, in this time.")


def drawn(data: Data) -> tuple[Markup, ...]:
    """Draws what a document with the fields of `EVERYTHING` was answered; nothing, if they were left out."""
    if "issued" not in data:
        return ()
    exchanges = [
        {"at": one["at"], "issued": one["count"], "refused": other["count"]}
        for one, other in zip(data["issued"], data["refused"], strict=True)
    ]
    signed_in, refused = data["signedIn"], data["signInRefused"]
    sign_ins = [_line("signed in", "good", signed_in, "count"), _line("refused", "bad", refused, "count")]
    made = [
        tokens(exchanges),
        bars(
            "chart-sign-ins", "Sign-ins", _begins(signed_in), sign_ins, "Nobody signed in, or tried to, in this time."
        ),
    ]
    if (deliveries := data.get("webhookDeliverySeries")) is not None:
        lines = [_line("delivered", "good", deliveries, "delivered"), _line("given up", "bad", deliveries, "dead")]
        nothing = "No webhook was called in this time."
        made.append(bars("chart-webhooks", "Webhook deliveries", _begins(deliveries), lines, nothing))
    return tuple(made)


def _line(label: str, kind: Any, times: Times, of: str) -> Line:
    return Line(label, kind, [one[of] for one in times])


def _begins(times: Times) -> list[int]:
    return [seconds(one["at"]) for one in times]


def _variables(fields: Fields) -> Variables:
    step, last, _ = PERIODS.get(fields.text("period"), PERIODS[_USUAL])
    client_id = fields.text("client")
    return {"clientId": client_id if _CLIENT.fullmatch(client_id) else None, "step": step, "last": last}


def _values(data: Data, _fields: Fields) -> Mapping[str, Any]:
    machine = data.get("machineClient")
    clients = [*([] if machine is None else [machine]), *(data.get("apps") or ())]
    return {
        "charts": drawn(data),
        "path": PATH,
        "clients": [("", "All of them"), *((one["id"], one["name"]) for one in clients)],
        "periods": [(name, words) for name, (_, _, words) in PERIODS.items()],
    }


PAGE: Final = Section(
    path=PATH,
    tab="activity",
    template="settings_activity_over_time.html",
    query=_QUERY,
    opens=("read:audit",),
    variables=_variables,
    values=_values,
)
