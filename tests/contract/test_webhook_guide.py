"""The guide to webhooks: its verifier takes what a server sends and nothing else, and its figures are the server's."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from rxauth.domain import webhook_log, webhook_states, webhooks
from rxauth.domain.leases import LEASE_S
from rxauth.domain.webhook_deliveries import PATIENCE
from rxauth.domain.webhooks import EVENTS
from rxauth.edge import rounds, webhook_sender
from tests.api.test_webhooks import developer
from tests.contract.test_docs import DOCS, table
from tests.live import Live
from tests.webhook_receiver import SECRET, Post, Receiver
from tests.world import StandingClock, World

GUIDE = DOCS / "guides" / "webhooks.md"
# What the published verifiers do before they compare: they write anew what they read.
REWRITE = "process.stdin.on('data', body => process.stdout.write(JSON.stringify(JSON.parse(body))))"


def block(language: str) -> str:
    """Returns the guide's block of a language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return str(found)


def test_the_guides_verifier_takes_what_is_genuine_and_nothing_else(sqlite_world: World, clock: StandingClock) -> None:
    written: dict[str, Any] = {}
    exec(block("python"), written)
    database, receiver = sqlite_world.open(), Receiver()
    post = Post(sqlite_world, clock, database)
    post.webhook(receiver.url)
    post.happen("rx_1", notes='Ünicode \u2028 "quoted" \x7f \\ / \n', quantity=30, half=0.5)
    assert post.deliver() == 1
    receiver.stop()
    database.close()
    [got] = receiver.got
    assert written["is_genuine"](got.body, got.headers, SECRET)
    assert not written["is_genuine"](got.body, got.headers, "another secret")
    assert not written["is_genuine"](got.body + b" ", got.headers, SECRET)
    anew = subprocess.run(["node", "-e", REWRITE], input=got.body, capture_output=True, check=True, timeout=30)
    assert anew.stdout == got.body
    assert list(json.loads(block("json"))) == list(got.event)


def test_the_guide_names_every_event_and_each_is_sent() -> None:
    assert [name.strip("`") for name, _ in table(GUIDE, "Events")] == list(EVENTS)
    sources = (Path(str(webhook_sender.__file__)).parents[1] / "domain").glob("*_events.py")
    assert {name for one in sources for name in re.findall(r'"((?:photon|rxauth):[a-z:]+)"', one.read_text())} == set(
        EVENTS
    )


def test_the_mutation_of_the_guide_adds_a_webhook(sqlite_live: Live) -> None:
    token = developer(sqlite_live)
    made = sqlite_live.data(token, block("graphql"))["addWebhook"]
    assert made["sharedSecret"] not in sqlite_live.graphql(token, "{ webhooks { id sharedSecret } }").text


def test_the_guides_figures_are_those_of_the_server() -> None:
    text = " ".join(GUIDE.read_text().split())
    for figure in (
        f"Answer within {rounds.ATTEMPT_S} seconds",
        f"first after {PATIENCE.first_pause_s} seconds",
        f"at most {PATIENCE.longest_pause_s // 3_600} hours apart",
        f"After {PATIENCE.given_up_after_s // 86_400} days it is dead",
        f"are kept for {webhook_log.KEPT_S // 86_400} days",
        f"An organization has at most {webhooks.WEBHOOKS_LIMIT}",
        f"`overlapHours`, 0 to {webhooks.OVERLAP_LIMIT_S // 3_600}",
        f"{webhook_states.REDELIVERED_AT_ONCE:,} at a time",
        f"of the type `{webhook_states.TEST}`",
    ):
        assert figure in text
    assert LEASE_S > rounds.ATTEMPT_S
    assert LEASE_S + rounds.LOOK_EVERY_S < 10
    assert webhooks.OVERLAP_S == 86_400
