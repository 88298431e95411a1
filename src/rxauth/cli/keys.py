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
            one.algorithm,
            one.state.value if one.is_published(now) else "retired",
            moment(one.created_at),
            moment(one.verify_until),
        )
        for one in ring.descriptions.values()
    ]
    print(table(("KEY", "ALGORITHM", "STATE", "MADE", "VERIFIES UNTIL"), rows))


@app.command("rotate", short_help="Let the next key sign.")
def rotate() -> None:
    """Let the next key of each algorithm sign; the current one goes on verifying until its last token has expired."""
    from rxauth.cli.installation import read, settings, write
    from rxauth.clock import Clock
    from rxauth.crypto.jws import new_signing_key
    from rxauth.domain import audit, signing_keys
    from rxauth.oauth.tokens import LEEWAY_S, LONGEST_LIFETIME_S
    from rxauth.storage.database import Transaction

    clock, chosen = Clock(), settings()
    made = [new_signing_key(algorithm) for algorithm in read(signing_keys.in_use)]

    def work(transaction: Transaction) -> list[tuple[str, str, str]]:
        rotated = []
        for one in made:
            current, previous = signing_keys.rotate(
                transaction,
                one,
                chosen.sealing_key,
                clock.seconds(),
                published_for_s=chosen.key_set_lifetime_s + chosen.staleness_bound_s,
                verify_for_s=max(chosen.machine_token_lifetime_s, LONGEST_LIFETIME_S) + LEEWAY_S,
            )
            act = audit.Act(audit.Event.KEYS_ROTATED, audit.OPERATOR, target=current, details={"previous": previous})
            audit.record(transaction, act, clock.microseconds())
            rotated.append((current, previous, one.key_id))
        return rotated

    for current, previous, coming in write(work):
        print(f"{current} signs from now on. {previous} goes on verifying what it signed. {coming} is published next.")
