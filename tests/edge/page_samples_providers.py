"""Samples of the providers pages."""

from typing import Any, Final

from rxauth.edge.settings import provider_forms as forms
from rxauth.edge.settings import providers
from rxauth.edge.settings.fields import of
from tests.edge.page_sample import Sample, Values, settings

CHECKED: Final = {
    "source": "the board's website",
    "reference": "lookup 2026-11-20/17",
    "checkedAt": "2026-11-20T15:00:00.000Z",
    "checkedByName": "Ben Ortega",
}
FACTS: Final[Values] = {
    "NPI": "1234567893",
    "npiVerification": CHECKED,
    "effectiveUntil": "2027-07-01T00:00:00.000Z",
    "licences": [
        {"state": "NJ", "number": "25MA09", "status": "SUSPENDED", "expiresOn": "2027-06-30", "verification": None},
        {"state": "NY", "number": "123456", "status": "ACTIVE", "expiresOn": "2026-12-31", "verification": CHECKED},
    ],
    "registrations": [
        {
            "number": "AP5836727",
            "state": "NY",
            "schedules": ["II", "IIN", "III"],
            "expiresOn": "2027-02-28",
            "status": "ACTIVE",
            "verification": CHECKED,
        }
    ],
}
LISTED: Final[Values] = {"NPI": "1234567893", "importedAt": "2026-11-02T04:00:00.000Z", "problem": None}
NOT_LISTED: Final[Values] = LISTED | {
    "importedAt": None,
    "problem": {"code": "npi_not_verified", "message": "the NPI is not in the imported register: it is not verified"},
}
SAME: Final[Values] = {
    "code": "same_person",
    "message": "whoever proposed it cannot approve it: that takes a second person",
}
PROPOSAL: Final[Values] = {
    "id": "prp_01J9ZK3V6T8Q",
    "kind": "PROPOSE",
    "askedBy": "usr_2",
    "askedByName": "Ben Ortega",
    "askedAt": "2026-11-23T09:00:00.000Z",
    "lapsesAt": "2026-11-30T09:00:00.000Z",
    "facts": FACTS | {"effectiveUntil": None, "registrations": []},
}
APPROVED: Final[Values] = {
    "userId": "usr_01J9ZK3V6T8QWERTYUIOPASDFG",
    "name": "Dr. Ada Marsh",
    "state": "APPROVED",
    "refusal": None,
    "reason": None,
    "effectiveFrom": "2026-10-01T12:00:00.000Z",
    "proposedByName": "Ben Ortega",
    "approvedByName": "Cleo Sato",
    "approvedAt": "2026-10-01T12:00:00.000Z",
    "changedAt": "2026-11-22T12:00:00.000Z",
    "acts": ["ASK_CHANGE", "SUSPEND", "LIMIT", "REVOKE"],
    "activePrescriptions": 12,
    "approvalRefusal": None,
    "npiCheck": LISTED,
    "facts": FACTS,
    "proposal": None,
}
WAITING: Final[Values] = APPROVED | {
    "userId": "usr_01J9ZK3V6T8QWERTYUIOPASDFH",
    "name": "Maya Lindqvist",
    "state": "PROPOSED",
    "refusal": "this provider's authority is proposed",
    "proposedByName": None,
    "approvedByName": None,
    "approvedAt": None,
    "acts": ["APPROVE", "REJECT"],
    "activePrescriptions": 0,
    "npiCheck": NOT_LISTED,
    "facts": None,
    "proposal": PROPOSAL,
}
SUSPENDED: Final[Values] = APPROVED | {
    "state": "SUSPENDED",
    "reason": "FACTOR_LOST",
    "refusal": "this provider's authority is suspended: factor_lost",
    "acts": ["ASK_RESTORE", "LIMIT", "REVOKE"],
}
CHANGE: Final[Values] = APPROVED | {
    "acts": ["ASK_CHANGE", "SUSPEND", "LIMIT", "REVOKE", "APPROVE", "REJECT"],
    "proposal": PROPOSAL | {"kind": "ASK_CHANGE", "askedByName": None},
}
LAPSED: Final[Values] = APPROVED | {
    "name": "Owen Tran",
    "userId": "usr_01J9ZK3V6T8QWERTYUIOPASDFI",
    "refusal": "licence NY 123456 expired on 2026-11-01",
}
SOON: Final = [
    {"id": f"1.2026-12-0{day}.usr_1.1", "what": what, "userId": "usr_1", "name": name, "on": f"2026-12-0{day}",
     "hasEnded": day == 1, "state": state, "number": number}
    for day, what, name, state, number in (
        (1, "LICENCE", "Owen Tran", "NY", "123456"),
        (3, "PROPOSAL", "Maya Lindqvist", None, None),
        (7, "DEA_REGISTRATION", "Dr. Ada Marsh", "NJ", "AP5836727"),
        (9, "AUTHORITY", "Dr. Ada Marsh", None, None),
    )
]  # fmt: skip


def act(number: int, event: str, name: str | None, **changes: Any) -> Values:
    """Returns an entry of a history."""
    return {
        "number": number,
        "at": f"2026-10-0{number}T12:00:00.000Z",
        "event": event,
        "actorKind": "person" if name else "operator",
        "actorId": "usr_2" if name else None,
        "actorName": name,
        "reason": None,
        "licenceState": None,
        "licenceStatus": None,
    } | changes


HISTORY: Final = [
    act(5, "SUSPENDED", "Alder EHR", actorKind="client", reason="FACTOR_LOST"),
    act(4, "SUSPENDED", None, actorKind="consequence", reason="LEFT"),
    act(3, "LIMITED", "Cleo Sato", licenceState="NJ", licenceStatus="SUSPENDED"),
    act(2, "APPROVED", "Cleo Sato"),
    act(1, "PROPOSED", None),
]
CANDIDATE: Final[Values] = {
    "userId": "usr_01J9ZK3V6T8QWERTYUIOPASDFJ",
    "name": "Ines Okafor",
    "email": "ines@alder.example",
    "NPI": "1234567893",
    "state": None,
}
SENT: Final = of(
    [("licences", "2"), ("registrations", "1"), ("act", forms.MORE_LICENCES), ("licence_number_2", "25MA09")]
)


def sample(name: str, template: str, data: Values, **changes: Any) -> Sample:
    """Returns a sample of a page with the words that all of them have."""
    return settings(name, template, "providers", data, **providers.WORDS, **changes)


def one(name: str, template: str, authority: Values, **changes: Any) -> Sample:
    """Returns a sample of a page about one authority."""
    return sample(name, template, {"providerAuthority": authority}, **changes)


def form_values(data: Values, **sent: Any) -> Values:
    """Returns what the form of facts needs beside the words."""
    values = providers.form_values(data, sent.get("sent", of([])))
    return {name: value for name, value in values.items() if name not in providers.WORDS}


_MANY: Final[Values] = {
    "waiting": [WAITING, CHANGE | {"approvalRefusal": SAME, "acts": ["REJECT"]}],
    "soon": SOON,
    "providers": [APPROVED, WAITING, LAPSED, SUSPENDED],
}
_CANDIDATES: Final[Values] = {"providerCandidates": [CANDIDATE, CANDIDATE | {"name": "Lev Adams", "state": "REVOKED"}]}
_PROPOSE: Final[Values] = {"providerCandidate": CANDIDATE}
SAMPLES: Final = (
    sample("providers", "providers", _MANY),
    sample("providers-none", "providers", {"waiting": [], "soon": [], "providers": []}),
    sample("providers-no-more", "providers", {"providers": []}, fields=of([("state", "REVOKED")])),
    sample("provider-soon", "provider_soon", {"providerExpirations": SOON}),
    sample("provider-soon-none", "provider_soon", {"providerExpirations": []}),
    sample("provider-candidates", "provider_candidates", _CANDIDATES),
    sample("provider-candidates-none", "provider_candidates", {"providerCandidates": []}),
    sample(
        "provider-candidates-not-found", "provider_candidates", {"providerCandidates": []}, fields=of([("name", "Zed")])
    ),
    sample("provider", "provider", {"providerAuthority": CHANGE, "providerHistory": HISTORY}),
    sample("provider-waiting", "provider", {"providerAuthority": WAITING, "providerHistory": HISTORY[-1:]}),
    sample("provider-suspended", "provider", {"providerAuthority": SUSPENDED, "providerHistory": []}),
    sample("provider-propose", "provider_propose", _PROPOSE, **form_values(_PROPOSE)),
    sample(
        "provider-propose-more",
        "provider_propose",
        _PROPOSE,
        **form_values(_PROPOSE, sent=SENT),
        error="Write the day as year, month and day: 2027-01-31.",
        error_field="licence_until_2",
    ),
    one("provider-change", "provider_change", APPROVED, **form_values({"providerAuthority": APPROVED})),
    one("provider-change-no", "provider_change", SUSPENDED, **form_values({"providerAuthority": SUSPENDED})),
    one("provider-proposal", "provider_proposal", WAITING),
    one("provider-proposal-own", "provider_proposal", CHANGE | {"approvalRefusal": SAME}),
    one("provider-proposal-none", "provider_proposal", APPROVED),
    one("provider-suspend", "provider_suspend", APPROVED),
    one("provider-suspend-no", "provider_suspend", SUSPENDED),
    one("provider-revoke", "provider_revoke", SUSPENDED),
    one("provider-restore", "provider_restore", SUSPENDED),
    one("provider-limit", "provider_limit", APPROVED, error="Choose what became of it.", error_field="status"),
)
