"""`webhooks`: where organizations hear of their events, how far each delivery is, and sending one again."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rxauth.domain.webhook_log import Attempt, Delivery
    from rxauth.domain.webhooks import Webhook
    from rxauth.storage.database import Transaction

_Organization = Annotated[str, typer.Argument(help="The organization's identifier, org_...")]

app = typer.Typer(help="List webhooks and their deliveries, and send events again.", no_args_is_help=True)


@app.command("list", short_help="List an organization's webhooks.")
def list_all(organization: _Organization) -> None:
    """List an organization's webhooks. Secrets are not shown: nobody can read them again."""
    from rxauth.cli.installation import read
    from rxauth.cli.output import moment, table
    from rxauth.domain import webhooks

    found: list[Webhook] = read(lambda tx: webhooks.all_of(tx, organization))
    rows = [
        (one.id, one.name or "-", one.url, ", ".join(one.filters or ("all",)), moment(one.created_at)) for one in found
    ]
    print(table(("ID", "NAME", "URL", "EVENTS", "MADE"), rows) if rows else "There is none.")


@app.command("deliveries", short_help="List an organization's latest deliveries, or the attempts of one.")
def deliveries(
    organization: _Organization,
    delivery: Annotated[
        str | None, typer.Argument(help="A delivery's identifier, dlv_..., to see its attempts.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, max=1_000, help="How many to list.")] = 50,
) -> None:
    """List an organization's latest deliveries, newest first, or every attempt of one.

    State: waiting (it is tried again at the time shown), delivered, or dead (given up, until it is sent again).
    """
    from rxauth.cli.installation import read
    from rxauth.domain import webhook_log

    if delivery is None:
        print(_deliveries(read(lambda tx: webhook_log.log(tx, organization, rows))))
    else:
        print(_attempts(read(lambda tx: webhook_log.attempts_of(tx, organization, delivery))))


@app.command("redeliver", short_help="Send an event again.")
def redeliver(
    reference: Annotated[
        str, typer.Argument(help="A delivery that is over, dlv_...; or a webhook, whk_..., for its dead.")
    ],
) -> None:
    """Send an event again, or every dead one of a webhook: the same bytes, with the event's own identifier."""
    from rxauth.cli.acts import recorded
    from rxauth.domain import audit, webhook_log

    def work(transaction: "Transaction", now: int) -> tuple[str, str, int]:
        organization_id, count = webhook_log.redeliver(transaction, reference, now)
        return organization_id, reference, count

    count = recorded(audit.Event.WEBHOOK_REDELIVERED, work)
    print(f"{count} {'delivery is' if count == 1 else 'deliveries are'} sent again by a running server.")


def _deliveries(found: "list[Delivery]") -> str:
    from rxauth.cli.output import moment, table

    header = ("DELIVERY", "WEBHOOK", "EVENT", "SUBJECT", "STATE", "ATTEMPTS", "LAST", "MADE", "NEXT")
    rows = [
        (
            one.id,
            one.webhook_id,
            one.type,
            one.subject,
            one.state,
            str(one.attempts),
            one.outcome or "-",
            moment(one.created_at),
            moment(one.next_attempt_at if one.settled_at is None else None),
        )
        for one in found
    ]
    return table(header, rows) if rows else "There is none."


def _attempts(found: "list[Attempt]") -> str:
    from rxauth.cli.output import moment, table

    rows = [(str(one.attempt), one.outcome, f"{one.took_ms} ms", moment(one.ended_at)) for one in found]
    return table(("ATTEMPT", "OUTCOME", "TOOK", "ENDED"), rows) if rows else "No attempt of it has ended."
