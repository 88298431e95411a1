"""Why a sign-in with an identity provider came to nothing."""


class UpstreamError(Exception):
    """An identity provider did not vouch for anybody, or not in a way that counts.

    code: for the audit log and for programs. str(): for the administrator who set the connection up; it has nothing
    that is secret or personal.
    """

    def __init__(self, code: str, explanation: str) -> None:
        super().__init__(explanation)
        self.code = code


class UnreachableError(UpstreamError):
    """The provider cannot be asked now. is_slow: it was, and did not answer in time."""

    def __init__(self, code: str, explanation: str, *, is_slow: bool = False) -> None:
        super().__init__(code, explanation)
        self.is_slow = is_slow


class NotAdmittedError(UpstreamError):
    """The provider vouched for somebody, whom the organization does not let in."""
