"""The guide to repeated requests: what it shows, sent twice, is done once."""

import json
import os
import re
import subprocess
from pathlib import Path

from tests.contract.test_docs import DOCS
from tests.live import Live
from tests.prescribing import CREATE, Practice

GUIDE = (DOCS / "guides" / "idempotency.md").read_text()


def test_a_request_that_is_sent_again_gets_the_first_answer(sqlite_live: Live, tmp_path: Path) -> None:
    practice = Practice(sqlite_live)
    [shown] = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    typed = shown.replace("https://auth.example.com", sqlite_live.url)
    (tmp_path / "create-prescription.json").write_text(json.dumps({"query": CREATE, "variables": practice.draft()}))

    def sent() -> str:
        given = os.environ | {"TOKEN": practice.token}
        command = ["bash", "-c", typed]
        done = subprocess.run(command, cwd=tmp_path, env=given, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    first = sent()
    assert json.loads(first)["data"]["createPrescription"]["state"] == "ACTIVE"
    assert sent() == first
