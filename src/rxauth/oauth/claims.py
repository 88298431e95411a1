"""The claims of an access token (RFC 9068 §2.2), with those that the published clients read."""

import msgspec

from rxauth.ids import Kind, is_client_id, is_id

MACHINE_SUBJECT_SUFFIX = "@clients"
CLIENT_CREDENTIALS = "client-credentials"


class AccessClaims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an access token says. iat, exp, nbf, auth_time: UTC seconds (NumericDate). nbf is heeded, and never issued.

    permissions, and the names of permissions in scope, are the same set; clients read one or the other.
    Of a machine's tokens: gty names its grant, secret_id the client secret that the token was issued with.
    Of a person's: sid and family_id name the session and the authorization that the token lives and dies with;
    auth_time, acr and amr say when and how the person proved who it is (RFC 9068 §2.2.1); org_id is left out when no
    organization was chosen.
    """

    iss: str
    sub: str
    aud: str
    client_id: str
    azp: str
    scope: str
    permissions: list[str]
    iat: int
    exp: int
    jti: str
    org_id: str | None = None
    gty: str | None = None
    secret_id: str | None = None
    sid: str | None = None
    family_id: str | None = None
    auth_time: int | None = None
    acr: str | None = None
    amr: list[str] | None = None
    nbf: int | None = None

    def is_machine(self) -> bool:
        """Tells whether the token speaks for an organization's backend; all of its marks must agree."""
        return (
            self.gty == CLIENT_CREDENTIALS
            and is_client_id(self.client_id)
            and self.sub == machine_subject(self.client_id)
            and self.secret_id is not None
            and self.org_id is not None
            and self.sid is None
            and self.family_id is None
        )

    def is_person(self) -> bool:
        """Tells whether the token speaks for a person; all of its marks must agree."""
        return (
            self.gty is None
            and self.secret_id is None
            and is_client_id(self.client_id)
            and is_id(Kind.USER, self.sub)
            and self.sid is not None
            and self.family_id is not None
            and self.auth_time is not None
        )


def machine_subject(client_id: str) -> str:
    """Returns the `sub` of a machine's token, which no person's identifier can equal (RFC 9068 §5)."""
    return client_id + MACHINE_SUBJECT_SUFFIX
