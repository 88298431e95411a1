"""The time of day, passed as an argument so that tests can make it stand still."""

import time


class Clock:
    """The system's UTC clock."""

    def microseconds(self) -> int:
        """Returns microseconds since the epoch."""
        return time.time_ns() // 1_000

    def milliseconds(self) -> int:
        """Returns milliseconds since the epoch."""
        return self.microseconds() // 1_000

    def seconds(self) -> int:
        """Returns whole seconds since the epoch, as JWT's NumericDate counts them (RFC 7519 §2)."""
        return self.microseconds() // 1_000_000
