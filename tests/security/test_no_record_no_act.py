"""Acts that must be on record while nothing can be recorded: they fail with 503, and nothing of them commits."""

from collections.abc import Callable

import httpx
import pytest

from rxauth.domain import providers
from tests.api.management.documents import facts
from tests.api.management.people import Clinic
from tests.edge.test_refusals import renamed, revoked
from tests.live import Live
from tests.prescribing import CANCEL, CREATE_ALL, Practice, states


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """Whoever decides about a provider, on each engine."""
    return Clinic(live)


@pytest.fixture
def practice(live: Live) -> Practice:
    """A provider at work, on each engine."""
    return Practice(live)


def _told_to_come_back(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert int(answer.headers["retry-after"]) > 0


def test_no_prescription_is_written_refused_or_canceled_without_a_record(practice: Practice, engine: str) -> None:
    """L-03: also a refusal is an act that must be on record."""
    live, database = practice.live, practice.live.server.database
    kept = practice.written()["id"]
    before = states(database, practice.organization_id)
    outsider = live.token(live.world.alder)
    with (renamed if engine == "sqlite" else revoked)(live.world):
        _told_to_come_back(practice.create())
        _told_to_come_back(live.graphql(practice.token, CREATE_ALL, {"prescriptions": [practice.draft()]}))
        _told_to_come_back(live.graphql(practice.token, CANCEL, {"id": kept}))
        _told_to_come_back(practice.create(treatmentId=practice.controlled))
        _told_to_come_back(practice.create(outsider))
        assert states(database, practice.organization_id) == before

    practice.written()


def _propose(clinic: Clinic) -> httpx.Response:
    return clinic.ask(clinic.staff, "proposeProviderAuthority", facts=facts())


def _approve(clinic: Clinic) -> httpx.Response:
    proposal_id = clinic.authority()["proposal"]["id"]
    return clinic.ask(clinic.administrator, "approveProviderAuthority", proposalId=proposal_id)


def _refused_approval(clinic: Clinic) -> httpx.Response:
    return clinic.ask(clinic.administrator, "approveProviderAuthority", proposalId="pro_of_nobody")


def _suspend(clinic: Clinic) -> httpx.Response:
    return clinic.ask(clinic.staff, "suspendProviderAuthority", reason="BOARD_ACTION")


def _revoke(clinic: Clinic) -> httpx.Response:
    return clinic.ask(clinic.staff, "revokeProviderAuthority", reason="LEFT")


# In the order in which they are possible; each is tried without a log first, and then done.
ACTS: tuple[tuple[Callable[[Clinic], httpx.Response], str | None], ...] = (
    (_propose, "proposed"),
    (_refused_approval, None),
    (_approve, "approved"),
    (_suspend, "suspended"),
    (_revoke, "revoked"),
)


def test_no_authority_is_given_taken_or_refused_without_a_record(clinic: Clinic, engine: str) -> None:
    """L-03."""
    database, who = clinic.live.server.database, (clinic.holders.organization_id, clinic.doctor.id)
    for act, leads_to in ACTS:
        before = database.read(lambda tx: providers.find(tx, *who))
        with (renamed if engine == "sqlite" else revoked)(clinic.live.world):
            _told_to_come_back(act(clinic))
            assert database.read(lambda tx: providers.find(tx, *who)) == before
        answer = act(clinic).json()
        after = database.read(lambda tx: providers.find(tx, *who))
        assert ("errors" in answer) == (leads_to is None), answer
        if leads_to is not None:
            assert after is not None
            assert after.state == leads_to
