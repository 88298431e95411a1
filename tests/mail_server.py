"""A mail server that speaks SMTP over a real socket, and does to letters what a test wants."""

import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


@dataclass
class MailBox(socketserver.ThreadingTCPServer):
    """Takes letters. refusals: what each recipient is answered before one is accepted; tls: what STARTTLS leads to."""

    refusals: list[bytes] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    letters: list[tuple[str, str, EmailMessage]] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    allow_reuse_address = True
    daemon_threads = True

    def __post_init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def stop(self) -> None:
        """Ends it."""
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Conversation(socketserver.StreamRequestHandler):
    server: MailBox

    def handle(self) -> None:
        self._say(b"220 a mail server of a test")
        sender = recipient = ""
        while line := self.rfile.readline().strip():
            verb = line[:4].upper()
            if verb == b"EHLO":
                offered = [b"hello", b"AUTH PLAIN", *([b"STARTTLS"] if self.server.tls else []), b"SMTPUTF8"]
                self._say(*(b"250-" + one for one in offered[:-1]), b"250 " + offered[-1])
            elif verb == b"STAR" and self.server.tls is not None:
                self._say(b"220 go ahead")
                try:
                    self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
                except OSError:
                    return
                self.setup()
            elif verb == b"AUTH":
                self.server.logins.append(line.split()[2])
                self._say(b"235 welcome")
            elif verb == b"MAIL":
                sender = _address(line)
                self._say(b"250 ok")
            elif verb == b"RCPT":
                recipient = _address(line)
                self._say(self.server.refusals.pop(0) if self.server.refusals else b"250 ok")
            elif verb == b"DATA":
                self._say(b"354 go ahead")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                self.server.letters.append((sender, recipient, message_from_bytes(b"".join(lines), policy=default)))
                self._say(b"250 taken")
            elif verb == b"QUIT":
                self._say(b"221 bye")
                return
            else:
                self._say(b"250 ok")

    def _say(self, *lines: bytes) -> None:
        self.wfile.write(b"".join(line + b"\r\n" for line in lines))


def _address(line: bytes) -> str:
    return line.partition(b"<")[2].partition(b">")[0].decode()
