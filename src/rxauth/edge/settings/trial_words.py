"""What an administrator does about a sign-in that came to nothing, by the code of why."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_CLOCKS: Final = "Have both servers keep their clocks by NTP."
_ANEW: Final = "Begin the trial anew, and finish it in the same browser within half an hour."
ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "provider_refused": "Look at who is assigned to the application there, and at the provider's own sign-in log.",
        "code_refused": "The client ID, the secret and the redirect URI have to be those that the provider shows.",
        "secret_missing": "Enter one under New secret.",
        "answer_malformed": "Check that the issuer is that of an OpenID provider, and that nothing stands in between.",
        "issuer_differs": "Enter the issuer exactly as the provider writes it, with or without the slash at its end.",
        "audience_differs": "The client ID here has to be that of the application there.",
        "id_token_expired": _CLOCKS,
        "id_token_early": _CLOCKS,
        "auth_time_early": _CLOCKS,
        "expired": _CLOCKS,
        "not_yet_valid": _CLOCKS,
        "signature_refused": "Wait a minute if the provider changed its keys just now, and try again.",
        "bad_signature": "Read the provider's metadata anew, or add its new certificate.",
        "unsigned": "Have the provider sign the assertion, the response, or both.",
        "wrong_request": _ANEW,
        "nonce_differs": _ANEW,
        "groups_elsewhere": "In Entra: groups assigned to the application only.",
        "email_not_verified": "Read the address from another claim that only the provider's administrators change.",
        "domain_not_verified": "Verify the domain by a DNS record: people of other domains do not come in.",
        "not_invited": "Invite the person, or let everybody in whom the provider vouches for.",
        "no_longer_member": "Invite the person again, if it is to come back.",
        "deactivated": "Activate the person at the provider, or take it in again by an invite.",
        "connection_disabled": "If the rest of this is right, switch it on.",
        "no_role": "Say what a group of theirs gives, or what everybody gets who comes through.",
        "forbidden_address": "The server's operator names private networks in RXAUTH_OUTBOUND_NETWORKS.",
        "metadata_malformed": "Check the issuer: the provider describes itself at /.well-known/openid-configuration.",
        "provider_slow": "Try again, or look at the provider's status page.",
        "provider_failed": "Check the issuer, and look at the provider's status page.",
        "provider_timeout": "Try again, or look at the provider's status page.",
        "provider_no_answer": "Check the issuer, and whether this server may reach it.",
    }
)
# The page on which it can be mended, below that of the connection if it is no whole path, and its words.
MENDING: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "secret_missing": ("secret", "Enter a secret"),
        "code_refused": ("secret", "Enter another secret"),
        "issuer_differs": ("change", "Change the issuer"),
        "audience_differs": ("change", "Change the client ID"),
        "not_invited": ("change", "Change who may come in"),
        "email_not_verified": ("claims", "Choose the claim"),
        "domain_not_verified": ("/settings/domains", "Look at your e-mail domains"),
        "no_role": ("groups", "Say what groups give"),
        "bad_signature": ("certificates", "Look at the certificates"),
    }
)
