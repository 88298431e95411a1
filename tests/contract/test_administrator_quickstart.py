"""The quickstart for administrators: every page that it names opens, and shows what the quickstart has in bold."""

import re
from pathlib import Path

from tests.edge.settings.desk import Desk
from tests.live import Live

PAGE = (Path(__file__).parents[2] / "docs" / "quickstart" / "administrator.md").read_text()
SAID = re.compile(r"(?<![\w:])`(/[a-z/]+)`|\*\*([^*]+)\*\*")


def named() -> dict[str, set[str]]:
    """Returns the words in bold, by the path that was named last before them, in each section."""
    found: dict[str, set[str]] = {}
    for section in PAGE.split("\n## ")[1:]:
        path = ""
        for said in SAID.finditer(section):
            path = said[1] or path
            found.setdefault(path, set()).update({said[2]} - {None})
    return found


def test_every_page_that_is_named_shows_what_the_quickstart_says(sqlite_live: Live) -> None:
    desk, lacking = Desk(sqlite_live), {}
    for path, words in named().items():
        desk.open(path)
        lacking[path] = (desk.status, {one for one in words if one not in desk.text})
    desk.close()

    assert lacking == dict.fromkeys(named(), (200, set()))


def test_the_quickstart_names_the_pages_of_an_administrator() -> None:
    assert {"/settings", "/settings/team", "/settings/team/invite", "/settings/providers"} <= named().keys()
    assert sum(len(words) for words in named().values()) > 10
