"""A SAML identity provider's metadata as a connection keeps them."""

from rxauth.clock import Clock
from rxauth.domain.connection_settings import SamlSettings
from rxauth.federation.saml import parties


def read(text: str, clock: Clock) -> SamlSettings:
    """Returns what a connection keeps of a provider's metadata.

    Raises:
        InvalidError: they are none, or lack what is needed; in an administrator's words.
    """
    return parties.settings_from(text.strip(), clock.seconds())
