"""What the guide shows runs as it stands, and prints what it says."""

import io
import re
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

import rxauth_client
from tests.live import Live
from tests.python_client.test_verification import called

README = Path(rxauth_client.__file__).parents[2] / "README.md"
GUIDE = Path(__file__).parent.parent.parent / "docs" / "guides" / "python-client.md"
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def test_the_guide_runs(served: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    alder = served.world.alder
    given = {"DOMAIN": served.server.issuer, "AUDIENCE": served.server.audience}
    for name, value in (given | {"CLIENT_ID": alder.client_id, "CLIENT_SECRET": alder.secret}).items():
        monkeypatch.setenv(f"RXAUTH_{name}", value)
    names: dict[str, Any] = {}
    printed = io.StringIO()
    with redirect_stdout(printed):
        for language, text in BLOCKS:
            if language == "python":
                exec(compile(text, str(GUIDE), "exec"), names)
    lines = printed.getvalue().splitlines()
    assert "pat_" in lines[0]
    assert lines[1] == "200"
    assert [text.strip() for language, text in BLOCKS if not language] == [lines[-1]]
    token = f"Bearer {names['credentials'].token()}"
    assert called(names["app"], "GET", "/visits", authorization=token).json() == {"organization": alder.organization_id}
    names["session"].close()
    names["api"].close()


def test_the_lines_of_the_readme_run(served: Live) -> None:
    [shown] = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    alder = served.world.alder
    names: dict[str, Any] = {"client_id": alder.client_id, "client_secret": alder.secret}
    exec(shown.replace("http://localhost:8000", served.server.audience), names)
    assert names["answer"].json()["data"]["patients"][0]["id"].startswith("pat_")
