"""Which revision is the last is known without what makes tables: a server would carry it for as long as it lives."""

import subprocess
import sys

LOOK = (
    "import sys; from rxauth.storage.latest import latest_revision; print(latest_revision(), 'alembic' in sys.modules)"
)


def test_the_last_revision_is_known_without_alembic() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)

    revision, is_loaded = done.stdout.split()
    assert revision.isdigit()
    assert is_loaded == "False"
