"""Letters leave over real SMTP: none is lost, none is sent in the clear to another machine, and no log tells of one."""

import base64
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from structlog.testing import capture_logs

from rxauth.app import make_mail_sender, make_server
from rxauth.clock import Clock
from rxauth.domain.mails import FIRST_PAUSE_S, Letter
from rxauth.edge.mail_sender import MailSender, MailServer, mail_server
from rxauth.storage.database import Database
from tests.live import Process
from tests.mail_server import MailBox
from tests.people import letters, outbox
from tests.world import NOW, StandingClock, World

LETTER = Letter("ada@alder.example", "Join Älder Clinic", "http://localhost:8000/invite?token=secret-link\n")
SENDER = "Alder Clinic <no-reply@auth.example>"


@pytest.fixture
def mailbox() -> Iterator[MailBox]:
    """A mail server that takes letters."""
    box = MailBox()
    yield box
    box.stop()


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def put(database: Database, world: World, now: int = NOW) -> str:
    """Queues a letter."""
    return database.write(lambda tx: outbox(world).put(tx, LETTER, now))


def sender(world: World, database: Database, port: int, clock: StandingClock, **changes: object) -> MailSender:
    """Returns a sender to a mail server on this machine."""
    server = replace(MailServer("127.0.0.1", port, is_tls=False, sender=SENDER), **changes)  # type: ignore[arg-type]
    return MailSender(database, clock, world.settings.sealing_key, server)


def test_a_letter_is_handed_over_once_and_forgotten(
    world: World, database: Database, mailbox: MailBox, clock: StandingClock
) -> None:
    mail_id = put(database, world)
    one = sender(world, database, mailbox.port, clock, user="rxauth", password="a password")
    assert [one.hand_over(), one.hand_over()] == [1, 0]
    [(from_address, to, message)] = mailbox.letters
    assert (from_address, to) == ("no-reply@auth.example", LETTER.to)
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, LETTER.to, LETTER.subject)
    assert message.get_content().replace("\r\n", "\n") == LETTER.text
    assert message["Message-ID"] == f"<{mail_id}@auth.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert mailbox.logins == [base64.b64encode(b"\0rxauth\0a password")]
    assert letters(database, world) == []


def test_a_refused_letter_is_tried_again_later_and_the_next_one_does_not_wait_for_it(
    world: World, database: Database, mailbox: MailBox, clock: StandingClock
) -> None:
    mailbox.refusals.append(b"451 later, ada@alder.example")
    put(database, world)
    put(database, world)
    one = sender(world, database, mailbox.port, clock)
    assert one.hand_over() == 1
    assert one.hand_over() == 0
    clock.advance(FIRST_PAUSE_S)
    assert one.hand_over() == 1
    assert len(mailbox.letters) == 2


def test_no_log_has_an_address_a_subject_or_a_link(
    world: World, database: Database, mailbox: MailBox, clock: StandingClock
) -> None:
    mailbox.refusals += [b"550 no ada@alder.example here", b"250 ok"]
    put(database, world)
    one = sender(world, database, mailbox.port, clock, user="rxauth", password="a password")
    with capture_logs() as logged:
        one.hand_over()
        clock.advance(FIRST_PAUSE_S)
        one.hand_over()
    refused, sent = logged
    assert (refused["event"], refused["smtp_code"], refused["again_in_s"]) == ("mail_not_sent", 550, FIRST_PAUSE_S)
    assert (sent["event"], sent["attempts"]) == ("mail_sent", 2)
    for text in ("ada", "Clinic", "secret-link", "a password", "rxauth:"):
        assert text not in str(logged)


def test_a_mail_server_that_is_down_or_hangs_up_loses_nothing(
    world: World, database: Database, clock: StandingClock
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        put(database, world)

        def hang_up() -> None:
            listening.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert sender(world, database, port, clock).hand_over() == 0
        thread.join()
    clock.advance(FIRST_PAUSE_S)
    assert sender(world, database, port, clock).hand_over() == 0  # nothing listens there any more
    assert letters(database, world) == [LETTER]


def self_signed(folder: Path) -> ssl.SSLContext:
    """Returns a server context with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_mail_server_whose_certificate_nobody_vouches_for_gets_no_letter_and_no_password(
    sqlite_world: World, mailbox: MailBox, clock: StandingClock, tmp_path: Path
) -> None:
    database = sqlite_world.open()
    mailbox.tls = self_signed(tmp_path)
    put(database, sqlite_world)
    one = sender(sqlite_world, database, mailbox.port, clock, user="rxauth", password="a password")
    assert one.hand_over() == 0
    assert (mailbox.letters, mailbox.logins) == ([], [])
    database.close()


def test_a_mail_server_elsewhere_gets_nothing_without_encryption(
    sqlite_world: World, mailbox: MailBox, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a man in the middle does: the server's offer of STARTTLS is gone."""
    database, real = sqlite_world.open(), socket.create_connection

    def to_this_machine(address: tuple[str, int], *others: object, **named: object) -> socket.socket:
        return real(("127.0.0.1", address[1]), *others, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", to_this_machine)
    put(database, sqlite_world)
    one = sender(sqlite_world, database, mailbox.port, clock, host="mail.example", user="rxauth", password="secret")
    assert one.hand_over() == 0
    assert (mailbox.letters, mailbox.logins) == ([], [])
    database.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", MailServer("mail.example", 587, is_tls=False, sender=SENDER)),
        ("smtps://mail.example", MailServer("mail.example", 465, is_tls=True, sender=SENDER)),
        (
            "smtp://a%40b:p%3Aw@mail.example:2525",
            MailServer("mail.example", 2525, is_tls=False, sender=SENDER, user="a@b", password="p:w"),
        ),
    ],
    ids=["starttls", "tls", "password"],
)
def test_the_url_of_a_mail_server(url: str, expected: MailServer) -> None:
    assert mail_server(url, SENDER) == expected
    assert "p:w" not in repr(expected)


def test_a_letter_outlives_kill_9_and_leaves_when_its_claim_has_run_out(
    world: World, database: Database, mailbox: MailBox
) -> None:
    """The server dies while it hands the letter over."""
    now = Clock().seconds()
    put(database, world, now)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        running = Process(world.settings, RXAUTH_SMTP_URL=f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        with silent.accept()[0]:  # it is connected, and waits for a greeting that never comes
            running.kill()
    settings = replace(world.settings, smtp_url=f"smtp://127.0.0.1:{mailbox.port}")
    for waited_s, taken in ((0, 0), (FIRST_PAUSE_S + 60, 1)):
        server = make_server(settings, StandingClock(now + waited_s))
        one = make_mail_sender(settings, server)
        assert one is not None
        assert one.hand_over() == taken
        server.database.close()
    [(from_address, to, _)] = mailbox.letters
    assert (from_address, to) == ("no-reply@localhost", LETTER.to)
