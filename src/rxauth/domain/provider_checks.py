"""Whether the facts of a provider are true, as far as the register and the recorded evidence can tell."""

import datetime
from dataclasses import replace
from typing import Final

from rxauth.domain import nppes
from rxauth.domain.names import Name
from rxauth.domain.nppes import Register
from rxauth.domain.provider_facts import Facts, Verification
from rxauth.policy.authority import Refusal
from rxauth.storage.database import Transaction

REGISTER: Final = "NPPES"
_HOW: Final = {nppes.Problem.NOT_VERIFIED: "; propose it with the evidence, or import the register"}


def contradiction(transaction: Transaction, facts: Facts, name: Name) -> Refusal | None:
    """Says what the register has against a provider's NPI; None: nothing, which does not make it verified."""
    problem = nppes.problem(transaction, facts.npi, name.first, name.last)
    if problem in {None, nppes.Problem.NOT_VERIFIED}:
        return None
    return Refusal(problem, nppes.REASONS[problem])


def refusal(
    transaction: Transaction, facts: Facts, name: Name, now: int, register: Register = nppes.look_up
) -> Refusal | None:
    """Says why facts cannot be approved at `now` (UTC seconds), all of them read anew; None: they can."""
    problem = nppes.problem(transaction, facts.npi, name.first, name.last, register)
    if problem is not None and (problem is not nppes.Problem.NOT_VERIFIED or facts.npi_verification is None):
        return Refusal(problem, f"{nppes.REASONS[problem]}{_HOW.get(problem, '')}")
    for one in facts.licences:
        if one.verification is None:
            return Refusal(
                "licence_not_verified",
                f"nothing shows that the licence in {one.licence.state} is good: propose it with the evidence",
            )
    reasons = [one.licence.refusal(now) for one in facts.licences]
    if None not in reasons:
        return Refusal("licence_lapsed", "; ".join(reason for reason in reasons if reason))
    if facts.effective_until is not None and now >= facts.effective_until:
        return Refusal("authority_ended", "the authority would have ended already")
    return None


def verified(transaction: Transaction, facts: Facts, name: Name, who: str, now: int) -> Facts:
    """Returns facts with the register as the evidence of the NPI, where the register shows it."""
    listed = nppes.look_up(transaction, facts.npi)
    if listed is None or nppes.problem(transaction, facts.npi, name.first, name.last) is not None:
        return facts
    day = datetime.datetime.fromtimestamp(listed.imported_at, datetime.UTC).date().isoformat()
    return replace(facts, npi_verification=Verification(REGISTER, day, now, who))
