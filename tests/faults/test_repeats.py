"""Impatient clients: the same orders asked for again and again, at two servers at once; each is made once."""

import random
import threading
from collections import defaultdict

from tests.api.documents import ELEMENTS_CREATE_ORDER
from tests.live import Live
from tests.ordering import Counter
from tests.world import StandingClock, World

KEYS = 8
CLIENTS = 5


def test_each_order_is_made_once_however_often_and_wherever_it_is_asked_for(world: World) -> None:
    servers = [Live(world, StandingClock()) for _ in range(2)]
    counter = Counter(servers[0])
    prescription_id = counter.prescription(fills=KEYS + 2)
    fills = [{"prescriptionId": prescription_id}]
    variables = {"patientId": counter.patient_id, "fills": fills, "pharmacyId": counter.pharmacies[0]}
    answers: defaultdict[str, set[bytes]] = defaultdict(set)
    statuses: set[int] = set()

    def insist(seed: int) -> None:
        chance = random.Random(seed)
        waiting = [f"key-{number}" for number in range(KEYS)]
        while waiting:
            key = chance.choice(waiting)
            live = chance.choice(servers)
            answer = live.graphql(counter.token, ELEMENTS_CREATE_ORDER, variables, **{"idempotency-key": key})
            statuses.add(answer.status_code)
            if answer.status_code == 200:
                answers[key].add(answer.content)
                waiting.remove(key)

    threads = [threading.Thread(target=insist, args=(seed,)) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = counter.left(prescription_id)
    for live in servers:
        live.let_go()

    assert {key: len(found) for key, found in answers.items()} == {f"key-{number}": 1 for number in range(KEYS)}
    assert len(set.union(*answers.values())) == KEYS
    assert left == ("ACTIVE", 2)
    assert statuses <= {200, 409}
