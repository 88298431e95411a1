"""How messages travel through the browser (SAML V2.0 Bindings §3.4 and §3.5): in a URL, or in a form that is posted."""

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import quote_plus, unquote_plus

from rxauth.crypto import xml_signatures
from rxauth.crypto.certificates import Certificate, KeyPair
from rxauth.crypto.xml_signatures import RSA_SHA256, BadXmlSignatureError
from rxauth.federation.saml import xml
from rxauth.federation.saml.errors import SamlError
from rxauth.federation.saml.metadata import Binding
from rxauth.federation.saml.xml import MESSAGE_LIMIT_BYTES, Element

Parameter = Literal["SAMLRequest", "SAMLResponse"]
_DEFLATED: Final = -zlib.MAX_WBITS  # without the head of zlib (SAML V2.0 Bindings §3.4.4.1)
_DEFLATE: Final = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"
_NAMES: Final = ("SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way: a URL to send the browser to, or one to which it posts `form`."""

    url: str
    form: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message as it arrived. is_signed: the URL that it came in was, and by the identity provider."""

    parameter: Parameter
    root: Element = field(repr=False)
    relay_state: str | None = field(repr=False)
    is_signed: bool


def outgoing(
    message: Element, parameter: Parameter, destination: tuple[Binding, str], relay_state: str | None, key: KeyPair
) -> Outgoing:
    """Signs a message and returns how it leaves. destination: which binding, and the URL."""
    binding, url = destination
    if binding == "post":
        signed = xml_signatures.signed(message, key, xml.name("saml:Issuer"))
        form: dict[str, str] = {parameter: base64.b64encode(xml.written(signed)).decode()}
        return Outgoing(url, form if relay_state is None else {**form, "RelayState": relay_state})
    query = _signed_query({parameter: _deflated(xml.written(message)), "RelayState": relay_state}, key)
    return Outgoing(f"{url}{'&' if '?' in url else '?'}{query}")


def from_form(parameter: Parameter, value: str, relay_state: str | None) -> Incoming:
    """Reads what a browser posted.

    Raises:
        SamlError: it is not base64 of XML that is accepted.
    """
    return Incoming(parameter, xml.read_message(_decoded(value)), relay_state or None, is_signed=False)


def from_query(query: str, certificates: Sequence[Certificate]) -> Incoming:
    """Reads what came in a URL, and verifies its signature if there is one, over the octets as they came.

    Raises:
        SamlError: it is not one message, or its signature is not the identity provider's.
    """
    raw = _raw_parameters(query)
    messages: list[Parameter] = [one for one in ("SAMLRequest", "SAMLResponse") if one in raw]
    if len(messages) != 1:
        raise SamlError("no_message", "The URL carries no SAML message, or two.")
    if unquote_plus(raw.get("SAMLEncoding", _DEFLATE)) != _DEFLATE:
        raise SamlError("malformed", "The message in the URL has an encoding that is not known.")
    is_signed = "Signature" in raw
    if is_signed:
        _verify_query(raw, messages[0], certificates)
    root = xml.read_message(_inflated(_decoded(unquote_plus(raw[messages[0]]))))
    relay_state = unquote_plus(raw["RelayState"]) if raw.get("RelayState") else None
    return Incoming(messages[0], root, relay_state, is_signed)


def _signed_query(parameters: Mapping[str, str | None], key: KeyPair) -> str:
    present = {name: value for name, value in {**parameters, "SigAlg": RSA_SHA256}.items() if value is not None}
    octets = "&".join(f"{name}={quote_plus(value)}" for name, value in present.items())
    signature = base64.b64encode(key.sign(octets.encode())).decode()
    return f"{octets}&Signature={quote_plus(signature)}"


def _verify_query(raw: Mapping[str, str], parameter: Parameter, certificates: Sequence[Certificate]) -> None:
    signed = [name for name in (parameter, "RelayState", "SigAlg") if name in raw]
    octets = "&".join(f"{name}={raw[name]}" for name in signed).encode()
    method, signature = unquote_plus(raw.get("SigAlg", "")), _decoded(unquote_plus(raw["Signature"]))
    try:
        fits = xml_signatures.octets_fit(method, signature, octets, certificates)
    except BadXmlSignatureError as error:
        raise SamlError("bad_signature", f"The message in the URL is not accepted: {error}.") from None
    if not fits:
        raise SamlError("bad_signature", "The message in the URL was signed with none of the configured certificates.")


def _raw_parameters(query: str) -> dict[str, str]:
    """Takes a query apart and leaves each value as it came, because the signature is over that."""
    pairs = [part.partition("=") for part in query.split("&")]
    known = [(name, value) for name, _, value in pairs if name in _NAMES]
    if len({name for name, _ in known}) != len(known):
        raise SamlError("malformed", "The URL has a SAML parameter twice.")
    return dict(known)


def _decoded(text: str) -> bytes:
    if len(text) > 2 * MESSAGE_LIMIT_BYTES:
        raise SamlError("too_large", f"The message is larger than {MESSAGE_LIMIT_BYTES // 1024} KiB.")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise SamlError("not_base64", "The message is not base64.") from None


def _deflated(octets: bytes) -> str:
    packing = zlib.compressobj(wbits=_DEFLATED)
    return base64.b64encode(packing.compress(octets) + packing.flush()).decode()


def _inflated(octets: bytes) -> bytes:
    """Unpacks a message, and of one that would grow without end no more than is accepted."""
    unpacking = zlib.decompressobj(wbits=_DEFLATED)
    try:
        plain = unpacking.decompress(octets, MESSAGE_LIMIT_BYTES + 1)
    except zlib.error:
        raise SamlError("not_deflated", "The message in the URL is not packed with DEFLATE.") from None
    if len(plain) > MESSAGE_LIMIT_BYTES:
        raise SamlError("too_large", f"The message is larger than {MESSAGE_LIMIT_BYTES // 1024} KiB.")
    return plain
