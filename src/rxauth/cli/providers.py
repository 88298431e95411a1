"""`providers`: who may prescribe. What takes two people takes them here too: the operator is one."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from rxauth.cli.provider_facts import LICENCE, REGISTRATION

if TYPE_CHECKING:
    from rxauth.domain.provider_facts import Facts
    from rxauth.domain.providers import Provider
    from rxauth.storage.database import Transaction

_Organization = Annotated[str, typer.Argument(help="The organization's identifier, org_...")]
_User = Annotated[str, typer.Argument(help="The person's identifier, usr_...")]
_Proposal = Annotated[str, typer.Argument(help="The proposal, prp_..., as `show` prints it.")]
_Reason = Annotated[
    str,
    typer.Option(help="licence_lapsed, factor_lost, left, board_action, requested, mistaken or other."),
]
_Npi = Annotated[str, typer.Option(help="The National Provider Identifier: ten digits.")]
_Licences = Annotated[list[str], typer.Option("--licence", help=LICENCE + " May be repeated.")]
_Registrations = Annotated[list[str] | None, typer.Option("--registration", help="DEA: " + REGISTRATION)]
_Source = Annotated[
    str | None, typer.Option(help="Against what all of it was checked by hand; without it nothing is verified.")
]
_Reference = Annotated[str | None, typer.Option(help="What to find it by there.")]
_CheckedOn = Annotated[str | None, typer.Option(help="The day on which it was checked, YYYY-MM-DD; today if left out.")]
_Until = Annotated[str | None, typer.Option(help="The day, YYYY-MM-DD, with which the authority ends (UTC).")]

app = typer.Typer(help="Propose, approve, suspend and list providers.", no_args_is_help=True)


@app.command("propose", short_help="Propose that a member may prescribe.")
def propose(
    organization: _Organization,
    user: _User,
    npi: _Npi,
    licence: _Licences,
    *,
    registration: _Registrations = None,
    source: _Source = None,
    reference: _Reference = None,
    checked_on: _CheckedOn = None,
    until: _Until = None,
) -> None:
    """Propose that a member may prescribe; prints the proposal, which waits 7 days for a second person."""
    from rxauth.domain import provider_acts

    given = _given(npi, licence, registration, until, (source, reference, checked_on))
    _ask(organization, user, provider_acts.propose, given)


@app.command("change", short_help="Propose other facts for a provider.")
def change(
    organization: _Organization,
    user: _User,
    npi: _Npi,
    licence: _Licences,
    *,
    registration: _Registrations = None,
    source: _Source = None,
    reference: _Reference = None,
    checked_on: _CheckedOn = None,
    until: _Until = None,
) -> None:
    """Propose other facts in place of all those of an approved provider, who goes on as before until then."""
    from rxauth.domain import provider_acts

    given = _given(npi, licence, registration, until, (source, reference, checked_on))
    _ask(organization, user, provider_acts.ask_change, given)


@app.command("restore", short_help="Propose to give a suspended authority back.")
def restore(organization: _Organization, user: _User) -> None:
    """Propose to give a suspended authority back, with the facts that it had."""
    from rxauth.domain import provider_acts

    _ask(organization, user, provider_acts.ask_restore, None)


@app.command("approve", short_help="Approve what somebody else proposed.")
def approve(organization: _Organization, user: _User, proposal: _Proposal) -> None:
    """Approve what somebody else proposed: the operator does so only where there is one member."""
    from rxauth.domain import provider_acts

    _act(organization, user, provider_acts.approve, proposal)
    print(f"{user} may prescribe for {organization}.")


@app.command("reject", short_help="Decline what was proposed.")
def reject(organization: _Organization, user: _User, proposal: _Proposal, reason: _Reason = "other") -> None:
    """Decline what was proposed; an authority that is in force stays so."""
    from rxauth.domain import provider_acts

    _act(organization, user, provider_acts.reject, proposal, reason)
    print(f"{proposal} is rejected.")


@app.command("suspend", short_help="Stop a provider at once.")
def suspend(organization: _Organization, user: _User, reason: _Reason = "other") -> None:
    """Stop a provider at once: the next prescription is refused. Giving it back takes two people."""
    from rxauth.domain import provider_acts

    _act(organization, user, provider_acts.suspend, reason)
    print(f"{user} is suspended. To give it back: rxauth providers restore {organization} {user}")


@app.command("revoke", short_help="End an authority for good.")
def revoke(organization: _Organization, user: _User, reason: _Reason = "other") -> None:
    """End an authority for good: whoever is to prescribe again is proposed anew."""
    from rxauth.domain import provider_acts

    _act(organization, user, provider_acts.revoke, reason)
    print(f"The authority of {user} is revoked.")


@app.command("limit", short_help="Note that a licence got worse.")
def limit(
    organization: _Organization,
    user: _User,
    state: Annotated[str, typer.Argument(help="The state of the licence, such as NY.")],
    number: Annotated[str, typer.Argument(help="The number of the licence.")],
    status: Annotated[
        str, typer.Option(help="inactive, expired, suspended, probation, restricted, revoked or surrendered.")
    ],
) -> None:
    """Note that a licence got worse; nobody prescribes by it from the next request on."""
    from rxauth.domain import provider_acts

    _act(organization, user, provider_acts.limit, (state, number), status)
    print(f"The licence in {state} is {status}.")


@app.command("show", short_help="Show a provider, and whether it may prescribe now.")
def show(organization: _Organization, user: _User) -> None:
    """Show what is on record of a provider, and why it may prescribe now, or may not."""
    from rxauth.cli.installation import read
    from rxauth.cli.provider_facts import sentences
    from rxauth.clock import Clock
    from rxauth.domain import memberships, providers
    from rxauth.domain.errors import AbsentError
    from rxauth.policy import prescribing

    def work(transaction: "Transaction") -> "tuple[Provider | None, memberships.Person | None]":
        found = providers.find(transaction, organization, user)
        return found, memberships.load_person(transaction, user)

    (found, person), now = read(work), Clock().seconds()
    subject = None if person is None else person.subject(organization)
    if found is None and subject is None:
        raise AbsentError(f"{user} is no member of {organization}")
    refused = None if subject is None else prescribing.refusal(subject, now)
    reason = "not a member of the organization now" if subject is None else None if refused is None else refused.reason
    print(f"prescribes   {'yes, with write:prescription in every token' if reason is None else f'no: {reason}'}")
    for sentence in [] if found is None else sentences(found, now):
        print(sentence)


@app.command("list", short_help="List an organization's providers.")
def list_all(organization: _Organization) -> None:
    """List an organization's providers, whatever became of them."""
    from rxauth.cli.installation import read
    from rxauth.cli.output import moment, table
    from rxauth.clock import Clock
    from rxauth.domain import organizations, provider_lists, providers
    from rxauth.domain.errors import AbsentError
    from rxauth.domain.paging import LIMIT_ROWS, page

    now = Clock().seconds()

    def work(transaction: "Transaction") -> list[providers.Provider]:
        if organizations.find(transaction, organization) is None:
            raise AbsentError(f"there is no organization {organization}")
        found = rows = provider_lists.search(transaction, organization, page(None, LIMIT_ROWS), now)
        while len(rows) == LIMIT_ROWS:
            rows = provider_lists.search(transaction, organization, page(rows[-1].user_id, LIMIT_ROWS), now)
            found = found + rows
        return found

    rows = [
        (
            one.user_id,
            str(providers.state_at(one, now)),
            one.reason or "-",
            "-" if one.facts is None else " ".join(sorted({held.licence.state for held in one.facts.licences})),
            "-" if one.proposal is None else one.proposal.id,
            moment(one.changed_at),
        )
        for one in read(work)
    ]
    header = ("PROVIDER", "STATE", "REASON", "LICENCES", "WAITING", "CHANGED")
    print(table(header, rows) if rows else "There is none yet: rxauth providers propose ORGANIZATION USER")


def _given(
    npi: str,
    licences: list[str],
    registrations: list[str] | None,
    until: str | None,
    checked: tuple[str | None, str | None, str | None],
) -> "Facts":
    from rxauth.cli.provider_facts import evidence, read_facts
    from rxauth.clock import Clock

    return read_facts(npi, licences, registrations or [], until, evidence(*checked, Clock().seconds()))


def _ask(organization: str, user: str, act: "Callable[..., Provider]", facts: "Facts | None") -> None:
    proposal = _act(organization, user, act, facts).proposal
    if proposal is not None:
        print(proposal.id)
    print("It waits 7 days for a second person, who approves it in the organization.", file=sys.stderr)


def _act(organization: str, user: str, act: "Callable[..., Provider]", *arguments: object) -> "Provider":
    """Acts as the operator; that it was refused is recorded too."""
    from contextlib import closing

    from rxauth.cli.installation import settings
    from rxauth.clock import Clock
    from rxauth.domain import provider_records
    from rxauth.domain.errors import InvalidError
    from rxauth.domain.providers import AuthorityRefusedError
    from rxauth.policy.authority import Doer
    from rxauth.storage.database import Database
    from rxauth.storage.revisions import require_tables

    doer, clock = Doer(None, is_operator=True), Clock()
    with closing(Database(settings().database_url)) as database:
        require_tables(database)
        try:
            return database.write(lambda tx: act(tx, organization, user, *arguments, doer=doer, now=clock.seconds()))
        except AuthorityRefusedError as error:
            refused = error
            database.write(
                lambda tx: provider_records.refused(tx, refused, organization, user, doer=doer, now=clock.seconds())
            )
    raise InvalidError(
        f"{refused.reason} ({refused.code}). Where it stands: rxauth providers show {organization} {user}"
    )
