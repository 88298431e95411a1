"""The claims of an access token (RFC 9068 §2.2), with those that the published clients read."""

import msgspec

from rxauth.ids import is_client_id

MACHINE_SUBJECT_SUFFIX = "@clients"
CLIENT_CREDENTIALS = "client-credentials"


class AccessClaims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an access token says. iat, exp, nbf: UTC seconds (NumericDate). nbf is heeded, and never issued.

    scope and permissions are the same set; clients read one or the other. gty names the grant, and so whether a
    machine or a person is meant. secret_id: the client secret that the token was issued with.
    """

    iss: str
    sub: str
    aud: str
    client_id: str
    azp: str
    scope: str
    permissions: list[str]
    org_id: str
    gty: str
    iat: int
    exp: int
    jti: str
    secret_id: str
    nbf: int | None = None

    def is_machine(self) -> bool:
        """Tells whether the token speaks for an organization's backend; its three marks must agree."""
        return (
            self.gty == CLIENT_CREDENTIALS
            and is_client_id(self.client_id)
            and self.sub == machine_subject(self.client_id)
        )


def machine_subject(client_id: str) -> str:
    """Returns the `sub` of a machine's token, which no person's identifier can equal (RFC 9068 §5)."""
    return client_id + MACHINE_SUBJECT_SUFFIX
