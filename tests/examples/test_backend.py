"""The backend that syncs patients, started by its own command: once, again, with changes, and through a rotation."""

import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from tests.examples.conftest import EXAMPLES, Place
from tests.live import PATIENCE_S, rxauth_program

GRANT = {"grant_type": "client_credentials"}
START = EXAMPLES / "backend" / "start"


def ran(place: Place, file: Path) -> subprocess.CompletedProcess[str]:
    """Runs a sync."""
    command = [str(START), str(file)]
    return subprocess.run(
        command, cwd=place.folder, env=place.environment(), capture_output=True, text=True, check=False
    )


def patients(place: Place) -> list[Any]:
    """Reads whole rows of every patient, when they were changed included."""
    with closing(sqlite3.connect(place.sandbox.folder / "rxauth.sqlite")) as database:
        return database.execute("SELECT * FROM patients ORDER BY id").fetchall()


def rewritten(file: Path, old: str, new: str) -> None:
    """Changes a file, in one step: a sync may be reading it."""
    draft = file.with_suffix(".draft")
    draft.write_text(file.read_text().replace(old, new))
    draft.replace(file)


def test_a_second_run_changes_nothing_and_a_third_what_changed(place: Place, tmp_path: Path) -> None:
    file = Path(shutil.copy(EXAMPLES / "backend" / "patients.csv", tmp_path))
    before = patients(place)
    first = ran(place, file)
    assert (first.stdout, first.stderr, first.returncode) == (
        "5 created, 0 updated, 0 unchanged, 0 refused\n",
        "",
        0,
    )
    after = patients(place)
    assert len(after) == len(before) + 5
    assert ran(place, file).stdout == "0 created, 0 updated, 5 unchanged, 0 refused\n"
    assert patients(place) == after
    rewritten(file, "80 Quarry Road", "81 Quarry Road")
    assert ran(place, file).stdout == "0 created, 1 updated, 4 unchanged, 0 refused\n"


def test_a_bad_record_is_named_without_its_patient_and_the_others_go_on(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "patients.csv"
    file.write_text(
        "record,first,last,born,sex,phone,email,street,city,state,zip\n"
        "2001,Quentin,Marlowe,1990-13-77,M,+15125550121,,,,,\n"
        "2002,Ruth,Ellery,1990-12-07,F,+15125550122,,,,,\n"
    )
    done = ran(place, file)
    assert (done.stdout, done.returncode) == ("1 created, 0 updated, 0 unchanged, 1 refused\n", 1)
    assert "record 2001: BAD_USER_INPUT dateOfBirth" in done.stderr
    assert "Marlowe" not in done.stderr


def test_it_lives_through_a_rotation(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "patients.csv"
    head = "record,first,last,born,sex,phone,email,street,city,state,zip\n"
    file.write_text(f"{head}3001,Nell,Barrow,1962-05-19,F,+15125550131,,,,,\n")
    client = place.sandbox.client_id

    def operate(*command: str) -> str:
        words = [rxauth_program(), "clients", *command]
        return subprocess.run(
            words, cwd=place.folder, env=place.environment(), capture_output=True, text=True, check=True
        ).stdout

    command = [str(START), str(file), "--every", "0.05"]
    with subprocess.Popen(
        command, cwd=place.folder, env=place.environment(), stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "1 created, 0 updated, 0 unchanged, 0 refused\n"
            [old] = [word for word in operate("list").split() if word.startswith("sec_")]
            operate("rotate-secret", client)
            operate("revoke-secret", client, old)
            asked = {"client_id": client, "client_secret": place.sandbox.client_secret}
            while (
                httpx.post(f"{place.sandbox.url}/oauth/token", data=asked | GRANT, timeout=PATIENCE_S).status_code
                == 200
            ):
                time.sleep(0.02)
            rewritten(file, head, f"{head}3002,Otis,Vance,1988-08-08,M,+15125550132,,,,,\n")
            after = next(line for line in running.stdout if "unchanged, 0 refused" in line and "1 created" in line)
            assert after == "1 created, 0 updated, 1 unchanged, 0 refused\n"
        finally:
            running.terminate()
