"""Decryption of XML as SAML uses it (XML Encryption 1.1): a key for RSA-OAEP around a key for AES.

RSA with PKCS #1 v1.5 is refused: whoever may ask again and again learns the key from the answers (Bleichenbacher).
AES-CBC has no integrity and gives its plaintext away the same way, so it is for what a signature around it vouches for.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from rxauth.crypto.certificates import KeyPair
from rxauth.crypto.xml_signatures import DSIG

Element = etree._Element

XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
XENC11: Final = "http://www.w3.org/2009/xmlenc11#"
OAEP_MGF1P: Final = f"{XENC}rsa-oaep-mgf1p"
OAEP: Final = f"{XENC11}rsa-oaep"
AES256_GCM: Final = f"{XENC11}aes256-gcm"
AES128_GCM: Final = f"{XENC11}aes128-gcm"
_GCM: Final = {AES128_GCM: 16, f"{XENC11}aes192-gcm": 24, AES256_GCM: 32}
_CBC: Final = {f"{XENC}aes128-cbc": 16, f"{XENC}aes192-cbc": 24, f"{XENC}aes256-cbc": 32}
_NONCE_BYTES: Final = 12
_BLOCK_BYTES: Final = 16
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    f"{DSIG}sha1": hashes.SHA1,  # everybody's default: OAEP needs no resistance to collisions
    f"{XENC}sha256": hashes.SHA256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384,
    f"{XENC}sha512": hashes.SHA512,
    f"{XENC11}mgf1sha1": hashes.SHA1,
    f"{XENC11}mgf1sha256": hashes.SHA256,
    f"{XENC11}mgf1sha384": hashes.SHA384,
    f"{XENC11}mgf1sha512": hashes.SHA512,
}


class CannotDecryptError(Exception):
    """Encrypted to another key, changed on the way, or with an algorithm that is not accepted; str() says which."""


def decrypted(container: Element, keys: Sequence[KeyPair], *, is_vouched_for: bool) -> bytes:
    """Returns the XML that was encrypted in an EncryptedAssertion, EncryptedID or EncryptedAttribute.

    keys: ours, of which any may be the one. is_vouched_for: the container itself was signed, and that was verified.

    Raises:
        CannotDecryptError: another key, changed octets, or an algorithm that is not accepted.
    """
    data = container.findall(_tag("EncryptedData"))
    if len(data) != 1:
        raise CannotDecryptError("it has no encrypted data, or several")
    algorithm = _algorithm(data[0])
    if algorithm in _CBC and not is_vouched_for:
        raise CannotDecryptError(
            f"it is encrypted with {_name(algorithm)}, which is accepted only inside a signed response: sign the "
            "response, or encrypt with AES-GCM"
        )
    key_bytes = {**_GCM, **_CBC}.get(algorithm)
    if key_bytes is None:
        raise CannotDecryptError(f"it is encrypted with {_name(algorithm)}, which is not accepted: use AES-GCM")
    sealed_keys = _sealed_keys(container, data[0])
    octets = _octets(data[0])
    # A key that opens nothing and octets that do not fit end in one text, whichever it was.
    for sealed in sealed_keys:
        for key in _opened(sealed, keys):
            plain = _plain(algorithm, key, octets) if len(key) == key_bytes else None
            if plain is not None:
                return plain
    raise CannotDecryptError("it was encrypted to another certificate than this connection's, or changed on the way")


def _sealed_keys(container: Element, data: Element) -> list[Element]:
    """Lists the encrypted keys, which stand in the data or beside it (XML Encryption §3.5)."""
    inside = data.findall(f"{{{DSIG}}}KeyInfo/{_tag('EncryptedKey')}")
    found = [*inside, *container.findall(_tag("EncryptedKey"))]
    if not 1 <= len(found) <= 8:
        raise CannotDecryptError("it carries no encrypted key, or too many")
    return found


def _opened(sealed: Element, keys: Sequence[KeyPair]) -> list[bytes]:
    """Opens an encrypted key with each of ours that fits."""
    oaep = _oaep(sealed)
    octets = _octets(sealed)
    opened = []
    for key in keys:
        try:
            opened.append(key.private.decrypt(octets, oaep))
        except ValueError:
            continue
    return opened


def _oaep(sealed: Element) -> padding.OAEP:
    algorithm = _algorithm(sealed)
    if algorithm not in {OAEP, OAEP_MGF1P}:
        raise CannotDecryptError(f"its key is encrypted with {_name(algorithm)}, which is not accepted: use RSA-OAEP")
    method = sealed.find(_tag("EncryptionMethod"))
    digest = None if method is None else method.find(f"{{{DSIG}}}DigestMethod")
    mask = None if method is None or algorithm == OAEP_MGF1P else method.find(f"{{{XENC11}}}MGF")
    if method is not None and method.find(_tag("OAEPparams")) is not None:
        raise CannotDecryptError("its key is encrypted with a label, which is not accepted")
    return padding.OAEP(padding.MGF1(_hash(mask)()), _hash(digest)(), None)


def _hash(element: Element | None) -> type[hashes.HashAlgorithm]:
    """Returns the hash that an element names; SHA-1 where none is named (XML Encryption §5.5.2)."""
    if element is None:
        return hashes.SHA1
    found = _HASHES.get(element.get("Algorithm", ""))
    if found is None:
        raise CannotDecryptError("its key is encrypted with a hash that is not accepted")
    return found


def _plain(algorithm: str, key: bytes, octets: bytes) -> bytes | None:
    if algorithm in _GCM:
        try:
            return AESGCM(key).decrypt(octets[:_NONCE_BYTES], octets[_NONCE_BYTES:], None)
        except (InvalidTag, ValueError):
            return None
    if len(octets) < 2 * _BLOCK_BYTES or len(octets) % _BLOCK_BYTES:
        return None
    opening = Cipher(algorithms.AES(key), modes.CBC(octets[:_BLOCK_BYTES])).decryptor()
    padded = opening.update(octets[_BLOCK_BYTES:]) + opening.finalize()
    return padded[: -padded[-1]] if 1 <= padded[-1] <= _BLOCK_BYTES else None


def _octets(element: Element) -> bytes:
    text = element.findtext(f"{_tag('CipherData')}/{_tag('CipherValue')}")
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise CannotDecryptError("what is encrypted in it is not base64") from None


def _algorithm(element: Element) -> str:
    method = element.find(_tag("EncryptionMethod"))
    return "" if method is None else method.get("Algorithm", "")


def _tag(name: str) -> str:
    return f"{{{XENC}}}{name}"


def _name(uri: str) -> str:
    name = uri.rpartition("#")[2][:40]
    return name if name.isascii() and name.isprintable() and name else "an unnamed algorithm"
