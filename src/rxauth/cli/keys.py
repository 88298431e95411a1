"""`keys`: the keys that sign tokens."""

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from rxauth.crypto.security_module import SecurityModule
    from rxauth.domain.key_removal import Removed
    from rxauth.domain.signing_keys import KeyDescription

app = typer.Typer(help="List, rotate and remove the keys that sign tokens.", no_args_is_help=True)
# An identifier may begin with a hyphen, and have the letters of options after it.
_IDENTIFIERS: Final = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
_WHAT_FOLLOWS: Final = """
Within a second, every process refuses what was signed with a key that is removed: 401 invalid_token.
Machines get new tokens with their secrets, apps with their refresh tokens: nobody has to sign in again.
APIs that check tokens by themselves accept the old ones for up to {key_set_s} s, unless you restart them."""


@app.command("list", short_help="List the keys and their states.")
def list_all() -> None:
    """List the keys: which one signs, which comes next, how long older ones verify, and where they are kept."""
    from rxauth.cli.installation import read
    from rxauth.cli.output import moment, table
    from rxauth.clock import Clock
    from rxauth.domain import signing_keys
    from rxauth.domain.signing_keys import KeyState

    now = Clock().seconds()
    rows = [
        (
            one.id,
            one.algorithm,
            _state(one, now),
            moment(one.created_at),
            moment(one.removed_at or one.verify_until),
            one.place or ("-" if one.state is KeyState.PREVIOUS else "database"),
        )
        for one in read(signing_keys.descriptions)
    ]
    print(table(("KEY", "ALGORITHM", "STATE", "MADE", "VERIFIES UNTIL", "KEPT IN"), rows))


@app.command("rotate", short_help="Let the next key sign.")
def rotate() -> None:
    """Let the next key of each algorithm sign; the current one goes on verifying until its last token has expired."""
    from rxauth.cli.acts import operator
    from rxauth.cli.installation import read, security_module, settings, write
    from rxauth.domain import operator_acts, signing_keys
    from rxauth.oauth import new_keys
    from rxauth.oauth.rotation import rotation

    chosen, by = settings(), operator()
    with security_module(chosen) as module, new_keys.made(module, read(signing_keys.in_use)) as made:
        planned = rotation(
            made,
            chosen.sealing_key,
            key_set_s=chosen.key_set_lifetime_s,
            staleness_bound_s=chosen.staleness_bound_s,
            machine_token_s=chosen.machine_token_lifetime_s,
        )
        rotated = write(lambda tx: operator_acts.rotate_keys(tx, by, planned))
    for one in rotated:
        print(
            f"{one.current} signs from now on. {one.previous} goes on verifying what it signed. "
            f"{one.coming} is published next."
        )


@app.command("remove", short_help="Refuse all that a leaked key signed.", context_settings=_IDENTIFIERS)
def remove(
    keys: Annotated[list[str], typer.Argument(help="The identifiers of the keys, as `keys list` has them.")],
) -> None:
    """Take keys out of use that somebody else may have: every token that they signed is refused, and others sign.

    Nobody has to sign in again. Nothing undoes this. To change keys that nobody else has, use `keys rotate`.
    """
    from rxauth.cli.acts import operator
    from rxauth.cli.installation import read, security_module, settings, write
    from rxauth.domain import key_removal, operator_acts
    from rxauth.domain.signing_keys import KeyState
    from rxauth.oauth import new_keys
    from rxauth.oauth.rotation import removal

    chosen, by = settings(), operator()
    wanted = read(lambda tx: key_removal.wanted(tx, keys, by.now))
    with security_module(chosen) as module, new_keys.made(module, wanted) as made:
        planned = removal(
            keys,
            made,
            chosen.sealing_key,
            key_set_s=chosen.key_set_lifetime_s,
            staleness_bound_s=chosen.staleness_bound_s,
        )
        removed = write(lambda tx: operator_acts.remove_keys(tx, by, planned))
        if module is not None:
            _destroy(module)
    for one in removed:
        print(_told(one, by.now))
    if any(one.state is not KeyState.NEXT for one in removed):
        print(_WHAT_FOLLOWS.format(key_set_s=chosen.key_set_lifetime_s))


def _destroy(module: "SecurityModule") -> None:
    """Destroys what was removed in the security module, if that answers."""
    from rxauth.cli.installation import read, write
    from rxauth.crypto.jws import SignerUnavailableError
    from rxauth.oauth.new_keys import destroy_leftover

    try:
        destroy_leftover(read, write, module, rotated_before=0)
    except SignerUnavailableError as error:
        told = f"{error}. A running server destroys the removed keys there as soon as it answers."
        print(f"warning: {told}", file=sys.stderr)


def _state(key: "KeyDescription", now: int) -> str:
    if key.removed_at is not None:
        return "removed"
    return key.state.value if key.is_published(now) else "retired"


def _told(one: "Removed", now: int) -> str:
    from rxauth.cli.output import moment
    from rxauth.domain.signing_keys import KeyState

    if one.state is KeyState.NEXT:
        return f"{one.id} is removed; it had signed nothing. {one.coming} is published next."
    if one.state is KeyState.PREVIOUS:
        return f"{one.id} is removed. {one.signing} goes on signing."
    said = f"{one.id} is removed. {one.signing} signs from now on. {one.coming} is published next."
    if one.known_at <= now:
        return said
    until = f"until {moment(one.known_at)}, APIs that check tokens by themselves may refuse new ones"
    return f"{said}\n{one.signing} was published a short time ago: {until}."
