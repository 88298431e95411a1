"""Query.activitySeries and webhookDeliverySeries: what was done over time, for whom may see it."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from rxauth.domain import audit
from rxauth.domain.audit import Act, Actor, Event
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.api.management.sign_ins import number, token
from tests.live import Live
from tests.token_holders import Holders
from tests.world import NOW, see_everything

SERIES = """query($event: String!, $clientId: ID, $since: AWSDateTime!, $until: AWSDateTime!, $step: ActivityStep) {
  activitySeries(event: $event, clientId: $clientId, since: $since, until: $until, step: $step) { at count }
}"""
DELIVERIES = """query($webhookId: ID, $since: AWSDateTime!, $until: AWSDateTime!, $step: ActivityStep) {
  webhookDeliverySeries(webhookId: $webhookId, since: $since, until: $until, step: $step) { at delivered dead }
}"""
THREE_DAYS = {"since": "2026-11-22T00:00:00Z", "until": "2026-11-25T00:00:00Z"}


def counts(live: Live, reader: str, **variables: Any) -> Mapping[str, int]:
    """Returns the times of a series that have something, by when they begin."""
    shown = live.data(reader, SERIES, {**THREE_DAYS, **variables})["activitySeries"]
    return {one["at"]: one["count"] for one in shown if one["count"]}


def test_exchanges_are_counted_for_each_client_and_another_organizations_are_not(live: Live) -> None:
    holders = Holders(live)
    reader = token(holders, holders.person(Role.ADMINISTRATOR))
    for _ in range(2):
        live.token(live.world.alder)
    live.token(live.world.birch)
    number(live)
    client_id, noon = live.world.alder.client_id, "2026-11-23T12:00:00.000Z"
    assert counts(live, reader, event="token.issued", clientId=client_id, step="HOUR") == {noon: 2}
    assert counts(live, reader, event="token.issued", clientId=client_id) == {"2026-11-23T00:00:00.000Z": 2}
    assert counts(live, reader, event="token.issued", step="HOUR") == {noon: 3}  # the reader's own is one
    assert counts(live, reader, event="token.issued", clientId=live.world.birch.client_id) == {}
    whole = live.data(reader, SERIES, {**THREE_DAYS, "event": "token.issued"})["activitySeries"]
    assert [one["at"] for one in whole] == [f"2026-11-{day}T00:00:00.000Z" for day in (22, 23, 24)]


def test_who_may_see_clients_and_no_audit_log_sees_their_tokens_and_nothing_else(sqlite_live: Live) -> None:
    holders = Holders(sqlite_live)
    developer = token(holders, holders.person(Role.DEVELOPER))
    act = Act(Event.SIGNED_IN, Actor("person", holders.person(Role.STAFF)))
    sqlite_live.server.database.write(lambda tx: audit.record(tx, act, NOW * 1_000_000))
    number(sqlite_live)
    assert counts(sqlite_live, developer, event="token.issued")
    assert counts(sqlite_live, developer, event="token.refused") == {}
    error = the_error(sqlite_live.graphql(developer, SERIES, {**THREE_DAYS, "event": "person.signed_in"}))
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["extensions"]["requiredPermission"] == "read:audit"
    administrator = token(holders, holders.person(Role.ADMINISTRATOR))
    assert counts(sqlite_live, administrator, event="person.signed_in") == {"2026-11-23T00:00:00.000Z": 1}
    for role in (Role.PRESCRIBER, Role.STAFF, Role.SUPPORT):
        one = token(holders, holders.person(role))
        for document in (SERIES, DELIVERIES):
            answer = sqlite_live.graphql(one, document, {**THREE_DAYS, "event": "token.issued"})
            assert code(answer) == "FORBIDDEN"


@pytest.mark.parametrize(
    "wrong",
    [
        {"event": "client.exploded"},
        {"until": "2026-11-21T00:00:00Z"},
        {"since": "2020-01-01T00:00:00Z", "step": "HOUR"},
        {"since": "2026-11-20", "step": "HOUR"},
        {"step": "MINUTE"},
        {"event": "a\0b"},
    ],
    ids=str,
)
def test_a_series_that_cannot_be_is_an_error(sqlite_live: Live, wrong: dict[str, str]) -> None:
    holders = Holders(sqlite_live)
    reader = token(holders, holders.person(Role.ADMINISTRATOR))
    answer = sqlite_live.graphql(reader, SERIES, {"event": "token.issued", **THREE_DAYS, **wrong})
    assert code(answer) == "BAD_USER_INPUT"


def test_deliveries_are_counted_by_what_became_of_them(live: Live) -> None:
    holders = Holders(live)
    reader = token(holders, holders.person(Role.ADMINISTRATOR))
    for tenant, number_of in ((live.world.alder, 1), (live.world.birch, 2)):
        live.server.database.write(lambda tx, of=tenant, start=number_of: _deliver(tx, of.organization_id, start))  # type: ignore[misc]
    shown = live.data(reader, DELIVERIES, THREE_DAYS)["webhookDeliverySeries"]
    assert [(one["at"][:10], one["delivered"], one["dead"]) for one in shown] == [
        ("2026-11-22", 0, 0),
        ("2026-11-23", 2, 1),
        ("2026-11-24", 0, 0),
    ]
    for webhook_id, delivered in (("whk_1", 2), ("whk_2", 0), ("whk_none", 0)):
        shown = live.data(reader, DELIVERIES, {**THREE_DAYS, "webhookId": webhook_id, "step": "HOUR"})
        assert sum(one["delivered"] for one in shown["webhookDeliverySeries"]) == delivered


def _deliver(transaction: Any, organization_id: str, number_of: int) -> None:
    run = transaction.connection.execute
    see_everything(transaction)
    given = {"of": organization_id, "webhook": f"whk_{number_of}", "now": NOW}
    run(
        text(
            "INSERT INTO webhooks (id, organization_id, url, sealed_secret, created_at)"
            " VALUES (:webhook, :of, 'https://hooks.example', :sealed, :now)"
        ),
        given | {"sealed": b""},
    )
    for place, (state, settled_at) in enumerate(
        [("delivered", NOW), ("delivered", NOW + 7_200), ("dead", NOW), ("waiting", None)]
    ):
        event = f"evt_{number_of}{place}"
        run(
            text(
                "INSERT INTO webhook_events (id, organization_id, type, subject, body, created_at)"
                " VALUES (:event, :of, 'a.type', 'pat_1', :body, :now)"
            ),
            given | {"event": event, "body": b"{}"},
        )
        run(
            text(
                "INSERT INTO webhook_deliveries (id, organization_id, webhook_id, event_id, subject, state, attempts,"
                " failures, began_at, next_attempt_at, settled_at)"
                " VALUES (:id, :of, :webhook, :event, 'pat_1', :state, 1, 0, :now, :now, :settled_at)"
            ),
            given | {"id": f"dlv_{number_of}{place}", "event": event, "state": state, "settled_at": settled_at},
        )
