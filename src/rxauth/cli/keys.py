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
    from rxauth.cli.acts import operator
    from rxauth.cli.installation import read, settings, write
    from rxauth.crypto.jws import new_signing_key
    from rxauth.domain import operator_acts, signing_keys
    from rxauth.oauth.rotation import rotation

    chosen, by = settings(), operator()
    planned = rotation(
        [new_signing_key(algorithm) for algorithm in read(signing_keys.in_use)],
        chosen.sealing_key,
        key_set_s=chosen.key_set_lifetime_s,
        staleness_bound_s=chosen.staleness_bound_s,
        machine_token_s=chosen.machine_token_lifetime_s,
    )
    for one in write(lambda tx: operator_acts.rotate_keys(tx, by, planned)):
        print(
            f"{one.current} signs from now on. {one.previous} goes on verifying what it signed. "
            f"{one.coming} is published next."
        )
