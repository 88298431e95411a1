"""The reference of the command line, made of the commands' own help."""

from collections.abc import Iterator

import typer

from reference.wording import code, one_line, table
from rxauth.cli import app


def page() -> str:
    """Returns the page."""
    parts = ["# Command line\n", f"{one_line(app.info.help)} `rxauth COMMAND --help` says the same in a terminal.\n"]
    parts += [_command(path, command) for path, command in commands()]
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Lists every command with the words that run it."""
    yield from _within("rxauth", typer.main.get_command(app))


def _within(path: str, command: object) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    if isinstance(command, typer.core.TyperGroup):
        for name, one in command.commands.items():
            yield from _within(f"{path} {name}", one)
    elif isinstance(command, typer.core.TyperCommand):
        yield path, command


def _command(path: str, command: typer.core.TyperCommand) -> str:
    paragraphs = (command.help or command.short_help or "").split("\n\n")
    parts = [f"## {path}\n", *(f"{one_line(one)}\n" for one in paragraphs)]
    rows = []
    for one in command.params:
        names = ", ".join(code(name) for name in (*one.opts, *one.secondary_opts))
        is_argument = one.param_type_name == "argument"
        shown = code((one.name or "").upper()) if is_argument else names
        rows.append((shown, "yes" if one.required else "", one_line(getattr(one, "help", None))))
    if rows:
        parts.append(table(("Argument or option", "Needed", "Meaning"), rows))
    return "\n".join(parts)
