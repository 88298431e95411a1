"""Webhooks on the command line: listed, followed, sent again."""

from rxauth.domain.audit import Event
from tests.cli.command_line import CommandLine
from tests.domain.test_audit import entries
from tests.webhook_receiver import SECRET, Post, Receiver
from tests.world import StandingClock, World


def test_webhooks_are_listed_their_deliveries_followed_and_sent_again(
    world: World, command_line: CommandLine, clock: StandingClock
) -> None:
    database, receiver = world.open(), Receiver(lambda _got: 400)
    post = Post(world, clock, database)
    organization = post.organization_id
    assert command_line(world.settings, "webhooks", "list", organization)[:2] == (0, "There is none.\n")
    assert command_line(world.settings, "webhooks", "deliveries", organization)[:2] == (0, "There is none.\n")

    webhook = post.webhook(receiver.url, name="EMR")
    post.happen("ord_1")
    post.deliver()

    code, listed, _ = command_line(world.settings, "webhooks", "list", organization)
    assert (code, SECRET in listed) == (0, False)
    assert [cell in listed for cell in (webhook.id, "EMR", receiver.url, "all")] == [True] * 4
    _, shown, _ = command_line(world.settings, "webhooks", "deliveries", organization)
    delivery, *_ = shown.splitlines()[1].split()
    assert shown.splitlines()[1].split()[1:7] == [
        webhook.id,
        "photon:order:created",
        "ord_1",
        "dead",
        "1",
        "http_400",
    ]
    _, tried, _ = command_line(world.settings, "webhooks", "deliveries", organization, delivery)
    assert tried.splitlines()[1].split()[:2] == ["1", "http_400"]

    receiver.judge = lambda _got: 200
    said = command_line(world.settings, "webhooks", "redeliver", webhook.id)[1]
    assert said == "1 delivery is sent again by a running server.\n"
    (refused,) = command_line.fail(world.settings, "webhooks", "redeliver", delivery)
    assert refused.startswith("there is no such delivery that is over")
    clock.advance(10**9)  # the command line has the time of day
    assert post.deliver() == 1
    receiver.stop()
    database.close()
    [recorded] = entries(world, Event.WEBHOOK_REDELIVERED)
    assert (recorded["target"], recorded["organization_id"]) == (webhook.id, organization)
