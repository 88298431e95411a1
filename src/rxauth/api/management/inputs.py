"""What the management contract's input objects become: facts about providers and organizations, as typed."""

import base64
import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec

from rxauth.domain import pictures, provider_facts
from rxauth.domain.errors import InvalidError
from rxauth.domain.provider_facts import Facts, HeldLicence, Registration, Verification
from rxauth.policy.assurance import FirstFactor
from rxauth.policy.identifiers import DEA_SCHEDULES
from rxauth.policy.licences import LicenceStatus

Given = TypeVar("Given")
Made = TypeVar("Made")
# Names of GraphQL do not begin with a digit, so schedules have their Roman ones.
SCHEDULES: Final = MappingProxyType(dict(zip(("II", "IIN", "III", "IIIN", "IV", "V"), DEA_SCHEDULES, strict=True)))


@dataclass(frozen=True, slots=True)
class Checked:
    """What somebody checked by hand, and against what."""

    source: str = field(repr=False)
    reference: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LicenceInput:
    """A state licence as it was typed."""

    state: str
    number: str = field(repr=False)
    status: str
    expires_on: str
    verification: Checked | None = None


@dataclass(frozen=True, slots=True)
class RegistrationInput:
    """A DEA registration as it was typed."""

    number: str = field(repr=False)
    state: str
    schedules: Sequence[str]
    status: str
    expires_on: str
    verification: Checked | None = None


@dataclass(frozen=True, slots=True)
class FactsInput:
    """What an authority is to rest on. effective_until: UTC milliseconds; None: no end is set."""

    npi: str = field(repr=False)
    licences: Sequence[LicenceInput]
    npi_verification: Checked | None = None
    registrations: Sequence[RegistrationInput] | None = None
    effective_until: int | None = None

    def facts(self, checked_by: str, now: int) -> Facts:
        """Returns the facts; what was checked by hand was checked by this person, and now (UTC seconds).

        Raises:
            InvalidError: naming the member.
        """

        def licence(one: LicenceInput) -> HeldLicence:
            day = datetime.date.fromisoformat(one.expires_on)
            held = provider_facts.licence(one.state, one.number, LicenceStatus[one.status], day)
            return HeldLicence(held, verification(one.verification))

        def registration(one: RegistrationInput) -> Registration:
            schedules = [SCHEDULES[name] for name in one.schedules]
            day, status = datetime.date.fromisoformat(one.expires_on), LicenceStatus[one.status]
            checked = verification(one.verification)
            return provider_facts.registration(one.number, one.state, schedules, status, day, verification=checked)

        def verification(checked: Checked | None) -> Verification | None:
            return None if checked is None else Verification(checked.source, checked.reference, now, checked_by)

        return Facts(
            npi=self.npi,
            npi_verification=verification(self.npi_verification),
            licences=_each("facts.licences", licence, self.licences),
            registrations=_each("facts.registrations", registration, self.registrations or ()),
            effective_until=None if self.effective_until is None else self.effective_until // 1_000,
        )


@dataclass(frozen=True, slots=True)
class OrganizationInput:
    """What changes of an organization, by the names that the domain has for it; what was not named is not there."""

    changes: Mapping[str, Any] = field(repr=False)


# What the contract names otherwise than the domain.
_SETTINGS: Final = MappingProxyType(
    {"session_idle_seconds": "session_idle_s", "session_lifetime_seconds": "session_lifetime_s"}
)


@dataclass(frozen=True, slots=True)
class OrganizationSettingsInput:
    """What changes of the settings, as it was typed; what was not named is not there."""

    given: Mapping[str, Any]

    def changes(self) -> dict[str, Any]:
        """Returns the changes by the names that the domain has for them.

        Raises:
            InvalidError: no sign-in could begin any longer, or the logo is no picture that is taken.
        """
        changes = {_SETTINGS.get(name, name): value for name, value in self.given.items()}
        if "first_factors" in changes:
            named = changes.pop("first_factors")
            allowed = None if named is None else {FirstFactor[one] for one in named}
            if allowed == set():
                raise InvalidError("a sign-in begins with something: name at least one", "firstFactors")
            changes["sole_first_factor"] = allowed.pop() if allowed is not None and len(allowed) == 1 else None
        if changes.get("logo") is not None:
            changes["logo"] = pictures.read(_decoded(changes["logo"]), "logo")
        return changes


def _decoded(text: str) -> bytes:
    """Returns what a text has in base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise InvalidError("a picture is written in base64, without line breaks", "logo") from None


def _organization(**changes: Any) -> OrganizationInput:
    if changes.get("address") is not None:
        changes["address"] = msgspec.structs.replace(changes["address"], id=None)  # nothing refers to it
    return OrganizationInput(changes)


def _each(what: str, make: Callable[[Given], Made], given: Sequence[Given]) -> tuple[Made, ...]:
    """Reads every member of a list; what is wrong with one is said with its place."""
    made = []
    for place, one in enumerate(given):
        try:
            made.append(make(one))
        except InvalidError as error:
            raise error.within(f"{what}[{place}]") from None
    return tuple(made)


INPUTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "FactVerificationInput": Checked,
        "StateLicenceInput": LicenceInput,
        "DeaRegistrationInput": RegistrationInput,
        "ProviderFactsInput": FactsInput,
        "OrganizationInput": _organization,
        "OrganizationSettingsInput": lambda **given: OrganizationSettingsInput(given),
    }
)
