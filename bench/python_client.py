"""`python -m bench.python_client`: what the Python client adds to a request, when it has a token, in microseconds."""

import statistics
import timeit
from typing import Final

import httpx

from rxauth_client import MachineCredentials
from rxauth_client.credentials import _Held

_TIMES: Final = 20_000
_ROUNDS: Final = 7


def main() -> None:
    """Measures and prints."""
    one = MachineCredentials("http://localhost:8000", "a-client", "a-secret")
    one._held = _Held("a-token", float("inf"), float("inf"))
    request = httpx.Request("POST", one.issuer + "graphql", json={})

    def through_auth() -> None:
        next(one.auth.sync_auth_flow(request))

    for name, act in (("token()", one.token), ("a request of httpx", through_auth)):
        rounds = [seconds / _TIMES * 1e6 for seconds in timeit.repeat(act, number=_TIMES, repeat=_ROUNDS)]
        print(f"{name}: {statistics.median(rounds):.2f} µs (from {min(rounds):.2f} to {max(rounds):.2f})")


if __name__ == "__main__":
    main()
