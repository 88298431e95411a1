"""What the endpoints are asked, as frozen records."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One request to the token endpoint.

    parameters: what the body says, each name once, empty values left out. authorization: the header, or None.
    network: the address block that the request comes from.
    """

    parameters: Mapping[str, str] = field(repr=False)
    authorization: str | None = field(repr=False)
    network: str
    request_id: str
