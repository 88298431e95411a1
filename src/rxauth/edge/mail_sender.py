"""Hands letters over by SMTP, in a thread of its own. No line of its log has an address or anything of a letter."""

import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate, parseaddr
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote, urlsplit

import structlog

from rxauth.clock import Clock
from rxauth.crypto.sealing import CannotUnsealError
from rxauth.domain import mails
from rxauth.domain.mails import Letter, Mail
from rxauth.regular_work import RegularWork
from rxauth.storage.database import Database, DatabaseUnavailableError

LOOK_EVERY_S: Final = 2.0
SMTP_TIMEOUT_S: Final = 10
_log = structlog.get_logger("rxauth.mail")


@dataclass(frozen=True, slots=True)
class MailServer:
    """The mail server that takes our letters. sender: their From. user None: it asks for no name and password.

    is_tls: encrypted from the first byte; else STARTTLS is demanded, except of a server on this machine itself.
    """

    host: str
    port: int
    is_tls: bool
    sender: str = field(repr=False)
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)

    @property
    def address(self) -> str:
        """The address in the sender, without the name before it."""
        return parseaddr(self.sender)[1]

    @property
    def is_local(self) -> bool:
        """Tells whether nobody can listen on the way."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def mail_server(url: str, sender: str) -> MailServer:
    """Reads `smtp://USER:PASSWORD@HOST:587` or `smtps://USER:PASSWORD@HOST`, which the settings have checked."""
    parts = urlsplit(url)
    is_tls = parts.scheme == "smtps"
    user = None if parts.username is None else unquote(parts.username)
    port = parts.port or (465 if is_tls else 587)
    return MailServer(parts.hostname or "", port, is_tls, sender, user, unquote(parts.password or ""))


class MailSender(RegularWork):
    """Looks for letters and hands them over, one after the other; a failure is tried again later, and later still."""

    def __init__(self, database: Database, clock: Clock, sealing_key: bytes, server: MailServer) -> None:
        super().__init__("mail-sender", LOOK_EVERY_S, self.hand_over, _note)
        self._database = database
        self._clock = clock
        self._sealing_key = sealing_key
        self._server = server
        self._tls = ssl.create_default_context()

    def hand_over(self) -> int:
        """Hands over every letter that is due; returns how many the mail server took.

        Raises:
            DatabaseUnavailableError: see there.
        """
        taken = 0
        while not self.is_over and (mail := self._next()) is not None:
            taken += self._try(mail)
        return taken

    def _next(self) -> Mail | None:
        now = self._clock.seconds()
        if not self._database.read(lambda tx: mails.is_due(tx, now)):
            return None
        return self._database.write(lambda tx: mails.claim(tx, now))

    def _try(self, mail: Mail) -> bool:
        """Tells whether the mail server took a letter; it is marked as sent only then."""
        try:
            self._send(mail.id, mail.read(self._sealing_key))
        except (OSError, smtplib.SMTPException, CannotUnsealError, ValueError) as error:
            again_in_s = mails.pause_s(mail.attempts)
            known = {"mail": mail.id, "attempts": mail.attempts + 1, "again_in_s": again_in_s}
            _log.warning("mail_not_sent", **known, error=type(error).__name__, smtp_code=_smtp_code(error))
            return False
        now = self._clock.seconds()
        self._database.write(lambda tx: mails.sent(tx, mail.id, now))
        _log.info("mail_sent", mail=mail.id, attempts=mail.attempts + 1)
        return True

    def _send(self, mail_id: str, letter: Letter) -> None:
        server = self._server
        with self._connect() as smtp:
            smtp.ehlo_or_helo_if_needed()
            if not server.is_tls and (smtp.has_extn("starttls") or not server.is_local):
                smtp.starttls(context=self._tls)
            if server.user is not None:
                smtp.login(server.user, server.password)
            smtp.send_message(self._message(mail_id, letter), server.address, [letter.to])

    def _connect(self) -> smtplib.SMTP:
        host, port = self._server.host, self._server.port
        if self._server.is_tls:
            return smtplib.SMTP_SSL(host, port, timeout=SMTP_TIMEOUT_S, context=self._tls)
        return smtplib.SMTP(host, port, timeout=SMTP_TIMEOUT_S)

    def _message(self, mail_id: str, letter: Letter) -> EmailMessage:
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self._server.sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = formatdate(self._clock.seconds())
        # The same at every attempt: a letter that arrives twice is one letter to the mailbox.
        message["Message-ID"] = f"<{mail_id}@{self._server.address.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834 §5: nobody's absence notice answers it
        message.set_content(letter.text)
        return message


def _note(error: Exception) -> None:
    if isinstance(error, DatabaseUnavailableError):
        _log.warning("database_unavailable")
    else:
        _log.error("unexpected_error", error=type(error).__name__)


def _smtp_code(error: Exception) -> int | None:
    """Returns the number in a mail server's refusal; its text may quote the address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next((code for code, _ in error.recipients.values()), None)
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else None
