"""A security module that is reached by PKCS #11: keys are made there, sign there, and never leave it.

Its library runs in processes of its own: what hangs or crashes there keeps nobody waiting here for longer than a bound,
and is ended and started again.
"""

import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from typing import Any, Final
from urllib.parse import quote

from rxauth.crypto import algorithms
from rxauth.crypto.jws import Algorithm, SignerUnavailableError, VerificationKey, public_key_from_jwk, thumbprint

PROCESSES: Final = 4  # as many signatures are under way at once; a process starts when there is work for it
SIGN_WITHIN_S: Final = 2.0
MAKE_WITHIN_S: Final = 30.0  # an RSA key takes a small module a while
START_WITHIN_S: Final = 15.0
WAITING_LIMIT: Final = 256
TRY_AGAIN_AFTER_S: Final = 1.0
_MODULE: Final = ""
_DONE: Final = "done"
_ABSENT: Final = "absent"
_WRONG_PIN: Final = frozenset({"PinIncorrect", "PinInvalid", "PinLenRange", "PinLocked"})  # a token locks after a few
_WITHOUT_IT: Final = frozenset({"destroy", "has"})  # what may be asked of a key that is not there


@dataclass(frozen=True, slots=True)
class Access:
    """How the module is reached. library: the file of its PKCS #11 library; token: the label of its token."""

    library: str
    token: str
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ModuleKey:
    """A key whose private half is in a module. place: its PKCS #11 URI (RFC 7512)."""

    key_id: str
    algorithm: Algorithm
    public: algorithms.PublicKey
    place: str
    ask: Callable[[str, Algorithm, bytes], bytes] = field(repr=False)

    def verification_key(self) -> VerificationKey:
        """Returns the half that may be published."""
        return VerificationKey(self.key_id, self.algorithm, self.public)

    def signing(self) -> Callable[[bytes], bytes]:
        """Returns the function that signs; it waits for the module, and raises SignerUnavailableError."""
        return lambda octets: self.ask(self.place, self.algorithm, octets)


def no_module(place: str, _algorithm: Algorithm, _octets: bytes) -> bytes:
    """Stands in for a module that the settings do not name.

    Raises:
        SignerUnavailableError: always.
    """
    raise SignerUnavailableError(f"the signing key is kept at {place}, and the settings name no security module")


class SecurityModule:
    """One token of a module, for every thread of this process."""

    def __init__(
        self, access: Access, sign_within_s: float = SIGN_WITHIN_S, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._access = access
        self._sign_within_s = sign_within_s
        self._monotonic = monotonic
        self._threads = ThreadPoolExecutor(PROCESSES, thread_name_prefix="security-module")
        self._of_thread = threading.local()
        self._children: list[_Child] = []
        self._lock = threading.Lock()
        self._waiting = 0
        self.times_failed = 0  # how often something was not done that it was asked to do
        self._again_at: dict[str, float] = {}  # by key, or of the whole module: what failed is not tried before

    def make(self, algorithm: Algorithm) -> ModuleKey:
        """Makes a key in the module, which cannot leave it.

        Raises:
            SignerUnavailableError: see there.
        """
        label = f"rxauth-{algorithm}-{secrets.token_hex(8)}"
        public = public_key_from_jwk(self._ask(MAKE_WITHIN_S, "make", label, algorithm))
        return ModuleKey(thumbprint(public), algorithm, public, f"{self._prefix}{label}", self.sign)

    def sign(self, place: str, algorithm: Algorithm, octets: bytes) -> bytes:
        """Signs with a key that was made before.

        Raises:
            SignerUnavailableError: see there.
        """
        signature: bytes = self._ask(self._sign_within_s, "sign", self._label(place), algorithm, octets)
        return signature

    def destroy(self, place: str) -> None:
        """Destroys a key; one that is not there any more is destroyed.

        Raises:
            SignerUnavailableError: see there, or the key is in another token.
        """
        self._ask(self._sign_within_s, "destroy", self._label(place))

    def keeps(self, place: str) -> bool:
        """Tells whether a place is in this token, by its name."""
        return place.startswith(self._prefix)

    def has(self, place: str) -> bool:
        """Tells whether the module answers, and has a key."""
        try:
            return bool(self._ask(self._sign_within_s, "has", self._label(place)))
        except SignerUnavailableError:
            return False

    def close(self) -> None:
        """Ends the processes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for child in list(self._children):
            child.end()
        self._threads.shutdown()

    @property
    def _prefix(self) -> str:
        return f"pkcs11:token={quote(self._access.token, safe='')};object="

    def _label(self, place: str) -> str:
        label = place.removeprefix(self._prefix)
        if label == place:
            raise SignerUnavailableError(f"{place} is not in the token that the settings name")
        return label

    def _ask(self, within_s: float, act: str, label: str, *more: Any) -> Any:
        """Has a process do something, and counts what it does not do."""
        try:
            return self._asked(within_s, act, label, *more)
        except SignerUnavailableError:
            with self._lock:
                self.times_failed += act != "has"  # which is only a look
            raise

    def _asked(self, within_s: float, act: str, label: str, *more: Any) -> Any:
        """Does it; what failed is tried by one request a second, and others are refused at once."""
        self._enter(label)
        work: Future[Any] = self._threads.submit(self._in_thread, within_s, (act, label, *more))
        work.add_done_callback(self._leave)
        try:
            outcome, value = work.result(within_s)
        except (EOFError, OSError) as error:  # a TimeoutError is an OSError
            work.cancel()
            told = str(error) or type(error).__name__
            self._failed(_MODULE, forever=told in _WRONG_PIN)
            raise SignerUnavailableError(f"the security module does not answer: {told}") from None
        self._again_at.pop(_MODULE, None)
        if outcome == _ABSENT and act in _WITHOUT_IT:
            return False
        if outcome != _DONE:
            self._failed(label if outcome == _ABSENT else _MODULE)
            raise SignerUnavailableError(f"the security module refuses: {value}")
        self._again_at.pop(label, None)
        return value

    def _failed(self, what: str, *, forever: bool = False) -> None:
        """Notes that a key, or the whole module, failed."""
        self._again_at[what] = float("inf") if forever else self._monotonic() + TRY_AGAIN_AFTER_S

    def _enter(self, label: str) -> None:
        with self._lock:
            failing = {one: self._again_at[one] for one in (_MODULE, label) if one in self._again_at}
            if any(self._monotonic() < again_at for again_at in failing.values()):
                raise SignerUnavailableError("the security module failed a moment ago")
            if self._waiting >= WAITING_LIMIT:
                raise SignerUnavailableError("too much waits for the security module")
            for one in failing:
                self._failed(one)  # this request finds out
            self._waiting += 1

    def _leave(self, _work: Future[Any]) -> None:
        with self._lock:
            self._waiting -= 1

    def _in_thread(self, within_s: float, request: tuple[Any, ...]) -> tuple[str, Any]:
        """Asks this thread's process; one that does not know a key yet is asked again as a new one."""
        if not hasattr(self._of_thread, "child"):
            self._of_thread.child = _Child(self._access)
            self._children.append(self._of_thread.child)
        child: _Child = self._of_thread.child
        outcome, value = child.ask(within_s, request)
        if outcome == _ABSENT:
            child.end()
            outcome, value = child.ask(within_s, request)
        return outcome, value


class _Child:
    """A process that has the module's library loaded; it starts when it is asked something."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def ask(self, within_s: float, request: tuple[Any, ...]) -> tuple[str, Any]:
        """Returns an outcome and what goes with it.

        Raises:
            EOFError, OSError, TimeoutError: the process ended, or was ended because it took too long.
        """
        try:
            pipe = self._pipe or self._start()
            pipe.send(request)
            answer: tuple[str, Any] = self._received(pipe, within_s)
        except BaseException:
            self.end()
            raise
        if answer[0] == "failed":
            self.end()  # a session that failed once is not used again
        return answer

    def end(self) -> None:
        """Ends the process, whatever it is doing."""
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if process is not None:
            process.kill()
            process.wait()
        if pipe is not None:
            pipe.close()

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        number = theirs.fileno()
        command = [sys.executable, "-m", "rxauth.crypto.security_module_process", str(number)]
        self._process = subprocess.Popen(command, pass_fds=[number], stdin=subprocess.DEVNULL)  # noqa: S603
        theirs.close()
        self._pipe = ours
        ours.send((self._access.library, self._access.token, self._access.pin))
        outcome, value = self._received(ours, START_WITHIN_S)
        if outcome != _DONE:
            raise OSError(value)
        return ours

    @staticmethod
    def _received(pipe: Connection, within_s: float) -> Any:
        if not pipe.poll(within_s):
            raise TimeoutError
        return pipe.recv()
