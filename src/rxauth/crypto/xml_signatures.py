"""XML signatures as SAML profiles them (SAML V2.0 Core §5.4): enveloped, of the element that they stand in alone.

The form of a signature is checked here before anything is computed; signxml then verifies it with a certificate of the
caller's choosing and returns the element as it was signed, parsed anew from the signed octets. Whoever reads only that
element cannot be shown another one.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from lxml import etree
from signxml import exceptions
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from rxauth.crypto.certificates import Certificate, KeyPair, fingerprint

Element = etree._Element

DSIG: Final = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED: Final = f"{DSIG}enveloped-signature"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
_METHODS: Final = frozenset(SignatureMethod[f"{kind}_SHA{bits}"] for kind in ("RSA", "ECDSA") for bits in _HASHES)
_DIGESTS: Final = frozenset(DigestAlgorithm[f"SHA{bits}"] for bits in _HASHES)
_METHOD_URIS: Final = frozenset(method.value for method in _METHODS)
_DIGEST_URIS: Final = frozenset(digest.value for digest in _DIGESTS)
_TRANSFORMS: Final = ([ENVELOPED, EXCLUSIVE], [EXCLUSIVE, ENVELOPED])


class BadXmlSignatureError(Exception):
    """A signature that is absent, of a form that is not accepted, or not of a configured key; str() says which."""


def signature_of(element: Element) -> Element | None:
    """Returns the signature that stands in an element as its child, or None.

    Raises:
        BadXmlSignatureError: there are several.
    """
    signatures = element.findall(f"{{{DSIG}}}Signature")
    if len(signatures) > 1:
        raise BadXmlSignatureError("it has several signatures")
    return signatures[0] if signatures else None


def verified(element: Element, certificates: Sequence[Certificate]) -> Element:
    """Returns `element` as the holder of one of these certificates signed it, read anew from the signed octets.

    The certificate inside the signature says nothing: whoever signs can write any.

    Raises:
        BadXmlSignatureError: it is not signed, in another form than SAML's, with a weak algorithm or by somebody else.
    """
    signature = signature_of(element)
    if signature is None:
        raise BadXmlSignatureError("it is not signed")
    _check_form(element, signature)
    octets = etree.tostring(element, with_tail=False)
    method = _algorithm(signature, "SignedInfo/SignatureMethod")
    kind = rsa.RSAPublicKey if "#rsa-" in method else ec.EllipticCurvePublicKey
    for certificate in certificates:
        if isinstance(certificate.public, kind):
            result = _result(octets, certificate)
            if result is not None:
                return _same(element, result)
    raise BadXmlSignatureError(f"it was signed with {_named(signature)}, which is none of the configured ones")


def signed(element: Element, key: KeyPair, after: str) -> Element:
    """Returns a copy of `element` with a signature of it, as the sibling after the child named `after`."""
    placeholder = etree.Element(f"{{{DSIG}}}Signature", {"Id": "placeholder"}, nsmap={"ds": DSIG})
    child = element.find(after)
    element.insert(0 if child is None else element.index(child) + 1, placeholder)
    signer = XMLSigner(
        signature_algorithm=SignatureMethod.RSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    return signer.sign(element, key=key.private, cert=[key.certificate.parsed], reference_uri=element.get("ID"))


def octets_fit(method: str, signature: bytes, octets: bytes, certificates: Sequence[Certificate]) -> bool:
    """Tells whether one of the certificates' holders signed these octets with RSA, which is how URLs are signed.

    Raises:
        BadXmlSignatureError: the algorithm is not accepted.
    """
    if method not in _METHOD_URIS or "#rsa-" not in method:
        raise BadXmlSignatureError(f"it was signed with the algorithm {_shown(method)}, which is not accepted")
    algorithm = _HASHES[method[-3:]]()
    keys = [one.public for one in certificates if isinstance(one.public, rsa.RSAPublicKey)]
    return any(_fits(key, signature, octets, algorithm) for key in keys)


def _fits(public: rsa.RSAPublicKey, signature: bytes, octets: bytes, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        public.verify(signature, octets, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def _check_form(element: Element, signature: Element) -> None:
    """Accepts the one form of SAML V2.0 Core §5.4, so that what is verified is `element`, whole and nothing else."""
    if signature.find(f"{{{DSIG}}}Object") is not None:
        raise BadXmlSignatureError("its signature carries an object of its own")
    if _algorithm(signature, "SignedInfo/CanonicalizationMethod") != EXCLUSIVE:
        raise BadXmlSignatureError("its signature does not use exclusive canonicalization")
    method = _algorithm(signature, "SignedInfo/SignatureMethod")
    if method not in _METHOD_URIS:
        raise BadXmlSignatureError(f"it was signed with the algorithm {_shown(method)}, which is not accepted")
    references = signature.findall(_path("SignedInfo/Reference"))
    identifier = element.get("ID")
    if len(references) != 1 or not identifier or references[0].get("URI") != f"#{identifier}":
        raise BadXmlSignatureError("its signature does not refer to the element that it stands in, and to it alone")
    transforms = [one.get("Algorithm") for one in references[0].findall(_path("Transforms/Transform"))]
    if transforms not in _TRANSFORMS:
        raise BadXmlSignatureError("its signature transforms what it covers in a way that is not accepted")
    digest = _algorithm(references[0], "DigestMethod")
    if digest not in _DIGEST_URIS:
        raise BadXmlSignatureError(f"its digest was made with {_shown(digest)}, which is not accepted")


def _result(octets: bytes, certificate: Certificate) -> VerifyResult | None:
    """Returns what was verified, or None if somebody else signed.

    Raises:
        BadXmlSignatureError: the key fits, and the element was changed since; or the signature is no signature.
    """
    configuration = SignatureConfiguration(
        location="./",
        signature_methods=_METHODS,
        digest_algorithms=_DIGESTS,
        ignore_ambiguous_key_info=True,
        verification_time=datetime.fromtimestamp(certificate.not_after, UTC),
    )
    try:
        result = XMLVerifier().verify(
            octets, x509_cert=certificate.parsed, id_attribute="ID", expect_config=configuration
        )
    except exceptions.InvalidDigest:
        raise BadXmlSignatureError("it was changed after it was signed") from None
    except (exceptions.InvalidSignature, InvalidSignature):
        return None
    except (exceptions.SignXMLException, etree.LxmlError, ValueError, TypeError):
        raise BadXmlSignatureError("its signature is malformed") from None
    if isinstance(result, list):
        raise BadXmlSignatureError("its signature covers several things")
    return result


def _same(element: Element, result: VerifyResult) -> Element:
    """Returns what was signed, if it is what the caller asked about."""
    whole = result.signed_xml
    if whole is None or whole.tag != element.tag or whole.get("ID") != element.get("ID"):
        raise BadXmlSignatureError("its signature covers another element")
    return whole


def _named(signature: Element) -> str:
    """Names the certificate that a signature claims, for the administrator to compare; it proves nothing."""
    text = signature.findtext(_path("KeyInfo/X509Data/X509Certificate"))
    try:
        der = base64.b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        der = b""
    return f"a certificate of the SHA-256 fingerprint {fingerprint(der)}" if der else "an unnamed certificate"


def _algorithm(element: Element, path: str) -> str:
    found = element.findall(_path(path))
    if len(found) != 1:
        raise BadXmlSignatureError("its signature is malformed")
    return found[0].get("Algorithm", "")


def _path(path: str) -> str:
    return "/".join(f"{{{DSIG}}}{step}" for step in path.split("/"))


def _shown(uri: str) -> str:
    """Returns the end of an algorithm's URI, which is its name, without anything odd in it."""
    name = uri.rpartition("#")[2][:40]
    return name if name.isascii() and name.isprintable() and name else "without a name"
