"""What an authority to prescribe rests on: an NPI, licences, registrations, and what showed them to be true."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from rxauth.domain.errors import InvalidError
from rxauth.domain.names import require_text
from rxauth.policy.identifiers import DEA_SCHEDULES, dea_problem, normal_dea, npi_problem
from rxauth.policy.licences import STATES, Licence, LicenceStatus

LICENCE_LIMIT: Final = 100
NUMBER_LIMIT_CHARACTERS: Final = 40
_YEARS: Final = range(1990, 2200)
_STATUSES: Final = frozenset(LicenceStatus)


@dataclass(frozen=True, slots=True)
class Verification:
    """What showed that a fact is true. source, reference: against what it was checked, and what to find it by there.

    checked_at: UTC seconds. checked_by: a user's identifier, or "operator".
    """

    source: str
    reference: str | None
    checked_at: int
    checked_by: str


@dataclass(frozen=True, slots=True)
class HeldLicence:
    """A licence with what showed that it is good; verification None: nothing did."""

    licence: Licence
    verification: Verification | None


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration with the Drug Enforcement Administration, in one state and for some schedules."""

    number: str = field(repr=False)
    state: str
    schedules: tuple[str, ...]
    expires_on: datetime.date
    status: LicenceStatus
    verification: Verification | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What an authority rests on. npi_verification None: only the register can show that the NPI is this person's.

    effective_until: UTC seconds at which the authority ends; None: with the licences.
    """

    npi: str = field(repr=False)
    npi_verification: Verification | None
    licences: tuple[HeldLicence, ...] = field(repr=False)
    registrations: tuple[Registration, ...] = field(default=(), repr=False)
    effective_until: int | None = None


def licence(state: str, number: str, status: str, expires_on: datetime.date) -> Licence:
    """Returns a licence as it is kept.

    Raises:
        InvalidError: a value that no licence has; the number is not repeated.
    """
    number = _number(number)
    return Licence(_state(state), number, _status(status), _day(expires_on))


def registration(
    number: str,
    state: str,
    schedules: Iterable[str],
    status: str,
    expires_on: datetime.date,
    *,
    verification: Verification | None = None,
) -> Registration:
    """Returns a registration as it is kept, its number in capital letters.

    Raises:
        InvalidError: a value that no registration has; the number is not repeated.
    """
    problem = dea_problem(number)
    if problem is not None:
        raise InvalidError(problem, "number")
    named = frozenset(schedules)
    if not named or not named <= frozenset(DEA_SCHEDULES):
        raise InvalidError(
            f"the schedules of a registration are one or more of {', '.join(DEA_SCHEDULES)}", "schedules"
        )
    covered = tuple(one for one in DEA_SCHEDULES if one in named)
    return Registration(normal_dea(number), _state(state), covered, _day(expires_on), _status(status), verification)


def require(facts: Facts, now: int) -> None:
    """Checks that facts can be proposed; whether they are true is for `provider_checks`.

    Raises:
        InvalidError: a value that no provider has, or one that is there twice.
    """
    problem = npi_problem(facts.npi)
    if problem is not None:
        raise InvalidError(problem, "facts.NPI")
    numbers = [(one.licence.state, one.licence.number) for one in facts.licences]
    registered = [one.number for one in facts.registrations]
    if not 0 < len(numbers) <= LICENCE_LIMIT or len(registered) > LICENCE_LIMIT:
        raise InvalidError(f"a provider has 1 to {LICENCE_LIMIT} licences")
    if len(set(numbers)) != len(numbers) or len(set(registered)) != len(registered):
        raise InvalidError("a licence or a registration is there twice")
    for one in _verifications(facts):
        require_text(one.source, "source")
        require_text(one.reference, "reference")
        if one.checked_at > now:
            raise InvalidError("nothing is checked in the future")


def checked_by(facts: Facts, who: str, known: Facts | None) -> Facts:
    """Returns facts whose evidence names who recorded it: `who`, but for facts that are on record as they are."""
    before = () if known is None else (known.npi, known.npi_verification)
    licences = () if known is None else known.licences
    registrations = () if known is None else known.registrations

    def named(one: Verification | None) -> Verification | None:
        return None if one is None else replace(one, checked_by=who)

    is_same_npi = (facts.npi, facts.npi_verification) == before
    return replace(
        facts,
        npi_verification=facts.npi_verification if is_same_npi else named(facts.npi_verification),
        licences=tuple(
            one if one in licences else replace(one, verification=named(one.verification)) for one in facts.licences
        ),
        registrations=tuple(
            one if one in registrations else replace(one, verification=named(one.verification))
            for one in facts.registrations
        ),
    )


def _verifications(facts: Facts) -> list[Verification]:
    found = [facts.npi_verification]
    found += [one.verification for one in facts.licences]
    found += [one.verification for one in facts.registrations]
    return [one for one in found if one is not None]


def _number(text: str) -> str:
    require_text(text, "the number of a licence")
    if len(text) > NUMBER_LIMIT_CHARACTERS:
        raise InvalidError(f"the number of a licence has at most {NUMBER_LIMIT_CHARACTERS} characters")
    return text.strip()


def _state(text: str) -> str:
    if text not in STATES:
        raise InvalidError("a state is two capital letters, such as NY", "state")
    return text


def _status(text: str) -> LicenceStatus:
    if text not in _STATUSES:
        raise InvalidError(f"the status is one of {', '.join(LicenceStatus)}", "status")
    return LicenceStatus(text)


def _day(day: datetime.date) -> datetime.date:
    if day.year not in _YEARS:
        raise InvalidError(f"a licence ends in one of the years {_YEARS.start} to {_YEARS.stop - 1}", "expiresOn")
    return day
