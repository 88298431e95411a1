"""`keys`: the keys that sign tokens."""

import typer

app = typer.Typer(help="List and rotate the keys that sign tokens.", no_args_is_help=True)


@app.command("list", short_help="List the keys and their states.")
def list_all() -> None:
    """List the keys: which one signs, which comes next, and how long older ones go on verifying."""
    from rxauth.cli.installation import read, settings
    from rxauth.cli.output import moment, table
    from rxauth.clock import Clock
    from rxauth.domain.signing_keys import load_ring

    sealing_key = settings().sealing_key
    now = Clock().seconds()
    ring = read(lambda tx: load_ring(tx, sealing_key))
    rows = [
        (
            one.id,
            one.state.value if one.is_published(now) else "retired",
            moment(one.created_at),
            moment(one.verify_until),
        )
        for one in ring.descriptions.values()
    ]
    print(table(("KEY", "STATE", "MADE", "VERIFIES UNTIL"), rows))


@app.command("rotate", short_help="Let the next key sign.")
def rotate() -> None:
    """Let the next key sign; the current one goes on verifying until its last token has expired."""
    from rxauth.cli.installation import settings, write
    from rxauth.clock import Clock
    from rxauth.crypto.jws import new_signing_key
    from rxauth.domain import audit, signing_keys
    from rxauth.oauth.tokens import LEEWAY_S
    from rxauth.storage.database import Transaction

    clock, chosen, made = Clock(), settings(), new_signing_key()

    def work(transaction: Transaction) -> tuple[str, str]:
        current, previous = signing_keys.rotate(
            transaction,
            made,
            chosen.sealing_key,
            clock.seconds(),
            published_for_s=chosen.key_set_lifetime_s + chosen.staleness_bound_s,
            verify_for_s=chosen.machine_token_lifetime_s + LEEWAY_S,
        )
        act = audit.Act(audit.Event.KEYS_ROTATED, audit.OPERATOR, target=current, details={"previous": previous})
        audit.record(transaction, act, clock.microseconds())
        return current, previous

    current, previous = write(work)
    print(f"{current} signs from now on. {previous} goes on verifying what it signed. {made.key_id} is published next.")
