"""A SAML identity provider's metadata as a connection keeps them."""

from rxauth.clock import Clock
from rxauth.domain.connection_settings import SamlSettings
from rxauth.domain.errors import InvalidError
from rxauth.federation.saml import metadata
from rxauth.federation.saml.errors import SamlError
from rxauth.federation.saml.metadata import Binding


def read(text: str, clock: Clock) -> SamlSettings:
    """Returns what a connection keeps of a provider's metadata.

    Raises:
        InvalidError: they are none, or lack what is needed; in an administrator's words.
    """
    try:
        found = metadata.read(text.strip().encode(), clock.seconds())
    except SamlError as error:
        raise InvalidError(str(error), "metadata") from None
    binding: Binding = "redirect" if "redirect" in found.sign_on_urls else "post"
    return SamlSettings(
        entity_id=found.entity_id,
        sso_url=found.sign_on_urls[binding],
        sso_binding=binding,
        certificates=tuple(one.base64 for one in found.certificates),
        slo_url=found.logout_urls.get("redirect") or found.logout_urls.get("post"),
    )
