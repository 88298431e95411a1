"""What is asked of an identity provider before a connection to it is added or changed, so that a slip shows at once."""

from rxauth.edge.context import Edge
from rxauth.edge.outbound import ForbiddenAddressError
from rxauth.edge.pages import wording
from rxauth.edge.settings import trial_words
from rxauth.edge.settings.connection_providers import Provider
from rxauth.edge.settings.fields import FieldError, Fields
from rxauth.edge.settings.sections import Ready
from rxauth.federation.problems import UpstreamError

METADATA_LIMIT_BYTES = 262_144
_XML = {"accept": "application/samlmetadata+xml, application/xml, text/xml", "accept-encoding": "identity"}


def of_open_id(provider: Provider) -> Ready:
    """Returns what asks a new OpenID provider to describe itself."""

    async def ready(edge: Edge, fields: Fields) -> Fields:
        await _describe(edge, provider.issuer(fields), provider.its_field)
        return fields

    return ready


async def of_issuer(edge: Edge, fields: Fields) -> Fields:
    """Asks the OpenID provider of a connection that is changed to describe itself; of SAML there is nothing to ask."""
    if fields.has("issuer"):
        await _describe(edge, fields.text("issuer"), "issuer")
    return fields


async def of_saml(edge: Edge, fields: Fields) -> Fields:
    """Returns the fields with the metadata in them, which may have been named by their URL.

    Raises:
        FieldError: there is nothing, or not enough.
    """
    url = fields.text("metadata_url")
    if not url and not fields.text("metadata"):
        raise FieldError("metadata_url", "Enter the URL of the provider's metadata, or paste the metadata themselves.")
    if not url:
        return fields
    try:
        answer = await edge.look_ups.get(url, _XML, METADATA_LIMIT_BYTES)
    except ForbiddenAddressError:
        told = "This URL is at a private address, where nothing is fetched from. Paste the metadata instead."
        raise FieldError("metadata_url", told) from None
    except OSError:
        told = "Nobody answered at this URL. Check it, or paste the metadata instead."
        raise FieldError("metadata_url", told) from None
    if answer.status != 200:
        told = f"This URL answered {answer.status}. Open it in a browser: it must show the metadata without signing in."
        raise FieldError("metadata_url", told)
    if len(answer.body) >= METADATA_LIMIT_BYTES:
        raise FieldError("metadata_url", "This has more than one provider's metadata. Paste those of yours instead.")
    try:
        return fields.put("metadata", answer.body.decode())
    except UnicodeDecodeError:
        raise FieldError("metadata_url", "What this URL leads to is no metadata.") from None


async def _describe(edge: Edge, issuer: str, its_field: str) -> None:
    """Asks a provider to describe itself.

    Raises:
        FieldError: it does not, or as somebody else; in an administrator's words.
    """
    if "://" not in issuer:
        raise FieldError(its_field, "An issuer is an address, such as https://login.clinic.example.")
    try:
        await edge.openid_providers.metadata(issuer)
    except UpstreamError as error:
        advice = "" if error.code == "issuer_differs" else trial_words.ADVICE.get(error.code, "")
        raise FieldError(its_field, f"{wording.sentence(str(error))} {advice}".strip()) from None
