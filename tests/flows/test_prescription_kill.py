"""Kill -9 while prescriptions are written: each that was acknowledged is there afterwards, with its audit record."""

import datetime
import threading
import time

import httpx

from rxauth.domain.audit import Event
from rxauth.policy.licences import Licence, LicenceStatus
from tests.domain.test_audit import entries
from tests.live import Live, Process, http_client
from tests.prescribing import CREATE, Practice, states
from tests.world import StandingClock, World


def test_kill_9_loses_no_prescription_that_was_acknowledged(world: World) -> None:
    signing_in = Live(world, StandingClock(int(time.time())))
    practice = Practice(signing_in, Licence("NY", "1", LicenceStatus.ACTIVE, datetime.date(2099, 1, 1)))
    signing_in.stop()
    server, acknowledged = Process(world.settings), []

    def write() -> None:
        with http_client(base_url=server.url, timeout=30) as http:
            try:
                while True:
                    body = {"query": CREATE, "variables": practice.draft()}
                    answer = http.post("/graphql", json=body, headers={"authorization": practice.token})
                    acknowledged.append(answer.json()["data"]["createPrescription"]["id"])
            except httpx.TransportError:
                return

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 30
    while len(acknowledged) < 10 and time.monotonic() < deadline:
        time.sleep(0.005)
    server.kill()
    for thread in threads:
        thread.join()

    database = world.open()
    kept = states(database, practice.organization_id)
    database.close()
    recorded = [entry["target"] for entry in entries(world, Event.PRESCRIPTION_WRITTEN)]
    assert len(acknowledged) >= 10
    assert [one for one in acknowledged if kept.get(one) != "ACTIVE" or recorded.count(one) != 1] == []
    # What nobody was told of is whole too: no record without its prescription.
    assert set(recorded) <= kept.keys()
