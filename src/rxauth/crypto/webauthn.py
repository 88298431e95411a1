"""Passkeys and security keys: what browsers are asked, and whether what they answer is true (Web Authentication L3).

The library is loaded when the first passkey is asked for: it is slow to import, and a server starts without it.
"""
# ruff: noqa: PLC0415

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

ANSWER_LIMIT_CHARACTERS: Final = 16_384
CREDENTIAL_ID_LIMIT_BYTES: Final = 1_023  # §4, Credential ID
_TIMEOUT_MS: Final = 300_000
# No statement about the maker is asked for, so there is none, or one that the passkey made about itself (§5.4.7).
_FORMATS: Final = frozenset({"none", "packed"})
# §5.8.4
_TRANSPORTS: Final = frozenset({"usb", "nfc", "ble", "smart-card", "internal", "cable", "hybrid"})


class NotProvenError(Exception):
    """An answer proves nothing; str() is for the log, and says what is wrong without quoting it."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who asks. id: the host that passkeys belong to; origin: of the pages that may ask for them."""

    id: str
    name: str
    origin: str


@dataclass(frozen=True, slots=True)
class Account:
    """Whose passkey is to be made. handle: what the passkey names its owner by; name and shown: for people to read."""

    handle: bytes
    name: str = field(repr=False)
    shown: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Known:
    """A credential that was registered. id: base64url."""

    id: str
    transports: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """A new credential. id: base64url; public_key: COSE."""

    id: str
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: tuple[str, ...]
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Used:
    """What a proven answer says of its credential now."""

    sign_count: int
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """What an answer says of itself, not proven. user_handle: None if the authenticator named nobody."""

    credential_id: str
    challenge: bytes = field(repr=False)
    user_handle: bytes | None = field(repr=False)


def registration_options(
    party: RelyingParty, account: Account, challenge: bytes, had: Sequence[Known]
) -> dict[str, Any]:
    """Returns what `navigator.credentials.create` is asked; had: credentials that the account has already."""
    import webauthn
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=account.handle,
        user_name=account.name,
        user_display_name=account.shown,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            require_resident_key=True,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_described(had),
    )
    return options_to_json_dict(options)


def authentication_options(party: RelyingParty, challenge: bytes, known: Sequence[Known]) -> dict[str, Any]:
    """Returns what `navigator.credentials.get` is asked; known: empty if nobody said yet who they are."""
    import webauthn
    from webauthn.helpers import options_to_json_dict
    from webauthn.helpers.structs import UserVerificationRequirement

    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=_TIMEOUT_MS,
        allow_credentials=_described(known),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def claimed(answer: str) -> Claimed:
    """Reads what an answer says of itself, to find what it is to be compared with.

    Raises:
        NotProvenError: it is none.
    """
    from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

    try:
        credential = _read(answer)
        handle = credential["response"].get("userHandle")
        return Claimed(
            bytes_to_base64url(base64url_to_bytes(credential["rawId"])),
            base64url_to_bytes(_client_side(credential)["challenge"]),
            base64url_to_bytes(handle) if handle else None,
        )
    except Exception as error:
        raise _not_proven(error) from None


def verify_registration(answer: str, party: RelyingParty, challenge: bytes) -> Registered:
    """Returns the credential that an answer to `registration_options` makes (§7.1).

    Raises:
        NotProvenError: see there.
    """
    import webauthn
    from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_attestation_object

    try:
        credential = _read(answer)
        _require_own_page(credential)
        attestation = parse_attestation_object(base64url_to_bytes(credential["response"]["attestationObject"]))
        if attestation.fmt not in _FORMATS:
            raise NotProvenError(f"an attestation of a kind that was not asked for: {attestation.fmt}")
        verified = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception as error:
        raise _not_proven(error) from None
    credential_id = bytes_to_base64url(verified.credential_id)
    if credential_id != credential["id"]:
        raise NotProvenError("the attestation is that of another credential")
    if len(verified.credential_id) > CREDENTIAL_ID_LIMIT_BYTES:
        raise NotProvenError("the credential's identifier is too long")
    transports = credential["response"].get("transports")
    named = {one for one in transports if isinstance(one, str)} if isinstance(transports, list) else set()
    return Registered(
        credential_id,
        verified.credential_public_key,
        verified.sign_count,
        tuple(sorted(named & _TRANSPORTS)),
        verified.credential_backed_up,
    )


def verify_authentication(
    answer: str, party: RelyingParty, challenge: bytes, public_key: bytes, sign_count: int
) -> Used:
    """Verifies an answer to `authentication_options` (§7.2); sign_count: the highest that the credential showed yet.

    Raises:
        NotProvenError: see there. A count that did not grow means that the credential may have been copied.
    """
    import webauthn

    try:
        credential = _read(answer)
        _require_own_page(credential)
        verified = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except Exception as error:
        raise _not_proven(error) from None
    return Used(verified.new_sign_count, verified.credential_backed_up)


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > ANSWER_LIMIT_CHARACTERS:
        raise NotProvenError("the answer is too long to be one")
    credential = json.loads(answer)
    if not isinstance(credential, dict):
        raise NotProvenError("the answer is no object")
    return credential


def _client_side(credential: dict[str, Any]) -> dict[str, Any]:
    from webauthn.helpers import base64url_to_bytes

    said = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
    if not isinstance(said, dict):
        raise NotProvenError("the client data is no object")
    return said


def _require_own_page(credential: dict[str, Any]) -> None:
    """Refuses an answer made in a frame of somebody else's page (§7.1 step 10): ours are never framed."""
    said = _client_side(credential)
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        raise NotProvenError("the page was in a frame of another origin")


def _described(known: Sequence[Known]) -> "list[PublicKeyCredentialDescriptor]":
    from webauthn.helpers import base64url_to_bytes
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    return [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(one.id),
            transports=[AuthenticatorTransport(name) for name in one.transports if name in _TRANSPORTS] or None,
        )
        for one in known
    ]


def _not_proven(error: Exception) -> NotProvenError:
    """Returns a refusal for whatever a forged answer trips over: the library raises what its parsers raise."""
    return error if isinstance(error, NotProvenError) else NotProvenError(type(error).__name__)
