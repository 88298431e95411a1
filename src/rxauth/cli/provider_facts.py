"""What the command line says of a provider, and how it prints one."""

import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rxauth.domain.provider_facts import Facts, HeldLicence, Registration, Verification
    from rxauth.domain.providers import Provider

LICENCE = "STATE:NUMBER:EXPIRES, such as NY:123456:2027-01-31; with :STATUS behind it if it is not active."
REGISTRATION = "NUMBER:STATE:SCHEDULES:EXPIRES, such as AP5836727:NY:2,3,4:2028-01-31."


def read_facts(
    npi: str, licences: list[str], registrations: list[str], until: str | None, evidence: "Verification | None"
) -> "Facts":
    """Reads facts as they are typed; evidence: what showed all of them to be true, None: nothing.

    Raises:
        InvalidError: something that no provider has; numbers are not repeated.
    """
    from rxauth.domain.provider_facts import Facts

    return Facts(
        npi,
        evidence,
        tuple(_licence(one, evidence) for one in licences),
        tuple(_registration(one, evidence) for one in registrations),
        None if until is None else _midnight(until),
    )


def evidence(source: str | None, reference: str | None, checked_on: str | None, now: int) -> "Verification | None":
    """Returns what showed facts to be true; source None: nothing did. checked_on: YYYY-MM-DD, None: now."""
    from rxauth.domain.provider_facts import Verification
    from rxauth.policy.authority import OPERATOR

    if source is None:
        return None
    return Verification(source, reference, now if checked_on is None else _midnight(checked_on), OPERATOR)


def _licence(text: str, verification: "Verification | None") -> "HeldLicence":
    from rxauth.domain.errors import InvalidError
    from rxauth.domain.provider_facts import HeldLicence, licence
    from rxauth.policy.licences import LicenceStatus

    parts = text.split(":")
    if len(parts) not in {3, 4}:
        raise InvalidError(f"a licence is {LICENCE}")
    state, number, expires = parts[:3]
    status = parts[3] if len(parts) > 3 else LicenceStatus.ACTIVE
    return HeldLicence(licence(state, number, status, _day(expires)), verification)


def _registration(text: str, verification: "Verification | None") -> "Registration":
    from rxauth.domain.errors import InvalidError
    from rxauth.domain.provider_facts import registration
    from rxauth.policy.licences import LicenceStatus

    parts = text.split(":")
    if len(parts) != 4:
        raise InvalidError(f"a registration is {REGISTRATION}")
    number, state, schedules, expires = parts
    named = schedules.split(",")
    return registration(number, state, named, LicenceStatus.ACTIVE, _day(expires), verification=verification)


def _day(text: str) -> datetime.date:
    from rxauth.domain.errors import InvalidError

    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise InvalidError("a day is written as YYYY-MM-DD") from None


def _midnight(text: str) -> int:
    """Returns the moment at which a day begins in UTC, in seconds."""
    day = _day(text)
    return int(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC).timestamp())


def sentences(provider: "Provider", now: int) -> list[str]:
    """Returns what is on record of a provider, for people to read."""
    from rxauth.cli.output import moment
    from rxauth.domain import providers

    reason = "" if provider.reason is None else f" ({provider.reason})"
    said = [f"state        {providers.state_at(provider, now)}{reason}"]
    if provider.approved_at is not None:
        said.append(
            f"approved     {moment(provider.approved_at)}, by {provider.proposed_by} and {provider.approved_by}"
        )
    if provider.facts is not None:
        said += _facts(provider.facts)
    if provider.proposal is not None:
        waiting = provider.proposal
        said += [f"waiting      {waiting.act} {waiting.id}, by {waiting.asked_by} on {moment(waiting.asked_at)}"]
        said += [f"  {line}" for line in _facts(waiting.facts)]
    return said


def _facts(facts: "Facts") -> list[str]:
    from rxauth.cli.output import moment

    said = [f"npi          {facts.npi}, {_shown(facts.npi_verification)}"]
    for held in facts.licences:
        licence = held.licence
        until = f"{licence.status} until {licence.expires_on.isoformat()}"
        said.append(f"licence      {licence.state} {licence.number}, {until}, {_shown(held.verification)}")
    for one in facts.registrations:
        until = f"{one.status} until {one.expires_on.isoformat()}"
        schedules = " ".join(one.schedules)
        said.append(f"registration {one.number} {one.state}, {schedules}, {until}, {_shown(one.verification)}")
    if facts.effective_until is not None:
        said.append(f"ends         {moment(facts.effective_until)}")
    return said


def _shown(verification: "Verification | None") -> str:
    from rxauth.cli.output import moment

    if verification is None:
        return "not verified"
    reference = "" if verification.reference is None else f" ({verification.reference})"
    return f"checked against {verification.source}{reference} on {moment(verification.checked_at)}"
