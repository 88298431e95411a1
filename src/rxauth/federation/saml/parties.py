"""Who speaks with whom: a connection's settings as the protocol needs them, and metadata as settings."""

import base64

from rxauth.crypto import certificates
from rxauth.domain.connection_settings import SamlSettings
from rxauth.domain.connection_urls import urls_of
from rxauth.domain.connections import Connection
from rxauth.domain.errors import InvalidError
from rxauth.domain.saml_keys import Keys
from rxauth.federation.saml import metadata, requests
from rxauth.federation.saml.errors import SamlError
from rxauth.federation.saml.metadata import Binding, IdentityProvider
from rxauth.federation.saml.own_metadata import ServiceProvider


def us(issuer: str, connection: Connection, keys: Keys) -> ServiceProvider:
    """Returns who this server is to the provider of a connection."""
    urls = urls_of(issuer, connection.name)
    return ServiceProvider(urls.entity_id, urls.assertion_consumer, urls.single_logout, keys.published, keys.retired)


def them(settings: SamlSettings) -> IdentityProvider:
    """Returns the provider that a connection's settings describe."""
    slo: Binding = "post" if settings.slo_binding == "post" else "redirect"
    sso: Binding = "post" if settings.sso_binding == "post" else "redirect"
    return IdentityProvider(
        entity_id=settings.entity_id,
        sign_on_urls={sso: settings.sso_url},
        certificates=tuple(certificates.from_der(base64.b64decode(one)) for one in settings.certificates),
        logout_urls={} if settings.slo_url is None else {slo: settings.slo_url},
        logout_answers={} if settings.slo_answer_url is None else {slo: settings.slo_answer_url},
    )


def settings_from(document: str, now: int) -> SamlSettings:
    """Reads a provider's metadata.

    Raises:
        InvalidError: they are none that can be used; its text says why.
    """
    try:
        provider = metadata.read(document.encode(), now)
    except (SamlError, UnicodeEncodeError) as error:
        raise InvalidError(str(error), "metadata") from None
    binding, sign_on_url = requests.sign_on_place(provider)
    slo: Binding = "redirect" if "redirect" in provider.logout_urls else "post"
    return SamlSettings(
        entity_id=provider.entity_id,
        sso_url=sign_on_url,
        sso_binding=binding,
        certificates=tuple(one.base64 for one in provider.certificates),
        slo_url=provider.logout_urls.get(slo),
        slo_binding=slo,
        slo_answer_url=provider.logout_answers.get(slo),
    )
