"""XML read so that there is one way to understand it: no DTD, no entity, no comment, no second element of the same ID.

A comment would split the text of an element in two for some readers (`admin<!-- -->.evil`), a DTD can grow or fetch
anything, and of two elements with one ID a signature may mean the other.
"""

from datetime import UTC, datetime
from typing import Final

from lxml import etree

from rxauth.federation.saml.errors import SamlError

Element = etree._Element

ASSERTION: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
PROTOCOL: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
METADATA: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
PREFIXES: Final = {
    "saml": ASSERTION,
    "samlp": PROTOCOL,
    "md": METADATA,
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "xenc": "http://www.w3.org/2001/04/xmlenc#",
}
MESSAGE_LIMIT_BYTES: Final = 256 * 1024
METADATA_LIMIT_BYTES: Final = 1024 * 1024
_IDENTIFIERS: Final = ("ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id")


def read_message(octets: bytes) -> Element:
    """Reads a protocol message.

    Raises:
        SamlError: it is not XML, too large, or has what is never needed in one and often used to deceive.
    """
    root = _parsed(octets, MESSAGE_LIMIT_BYTES, drops_comments=False)
    for node in root.iter():
        if not isinstance(node.tag, str):
            raise SamlError("xml_not_plain", "The message has a comment or a processing instruction inside.")
    _require_unique_identifiers(root)
    return root


def read_metadata_document(octets: bytes) -> Element:
    """Reads metadata, which people write and comment: a comment is as if it were not there.

    Raises:
        SamlError: it is not XML, too large, or has a DTD.
    """
    return _parsed(octets, METADATA_LIMIT_BYTES, drops_comments=True)


def name(prefixed: str) -> str:
    """Returns a name such as saml:Issuer as it is written in a parsed tree."""
    prefix, _, local = prefixed.partition(":")
    return f"{{{PREFIXES[prefix]}}}{local}"


def child(element: Element, prefixed: str) -> Element | None:
    """Returns the one child of that name, or None.

    Raises:
        SamlError: there are several.
    """
    found = element.findall(name(prefixed))
    if len(found) > 1:
        raise SamlError("malformed", f"The message has several {prefixed} elements where one may stand.")
    return found[0] if found else None


def children(element: Element, prefixed: str) -> list[Element]:
    """Lists the children of that name."""
    return element.findall(name(prefixed))


def text(element: Element) -> str:
    """Returns the whole text of an element that may have nothing else in it.

    Raises:
        SamlError: it has elements inside.
    """
    if len(element):
        raise SamlError("malformed", f"The element {etree.QName(element).localname} has elements where text is due.")
    return (element.text or "").strip()


def child_text(element: Element, prefixed: str) -> str | None:
    """Returns the text of the one child of that name, or None."""
    found = child(element, prefixed)
    return None if found is None else text(found)


def moment(value: str) -> int:
    """Reads a UTC time (SAML V2.0 Core §1.3.3) as seconds; fractions are dropped.

    Raises:
        SamlError: it is none.
    """
    try:
        read = datetime.fromisoformat(value)
        return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise SamlError("malformed", "The message has a time that is not written as one.") from None


def written_moment(seconds: int) -> str:
    """Returns UTC seconds as SAML writes a time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def element(prefixed: str, attributes: dict[str, str] | None = None, content: str | None = None) -> Element:
    """Makes an element; all prefixes that it or its children may need are declared on it."""
    prefixes = ("md", "ds") if prefixed.startswith("md:") else ("samlp", "saml")
    made = etree.Element(name(prefixed), attributes or {}, nsmap={one: PREFIXES[one] for one in prefixes})
    made.text = content
    return made


def add(
    parent: Element, prefixed: str, attributes: dict[str, str] | None = None, content: str | None = None
) -> Element:
    """Appends an element and returns it."""
    made = etree.SubElement(parent, name(prefixed), attributes or {})
    made.text = content
    return made


def written(root: Element) -> bytes:
    """Returns an element as a document."""
    return etree.tostring(root, encoding="utf-8", with_tail=False)


def _parsed(octets: bytes, limit_bytes: int, *, drops_comments: bool) -> Element:
    if len(octets) > limit_bytes:
        raise SamlError("too_large", f"The document is larger than {limit_bytes // 1024} KiB.")
    try:
        plain = octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SamlError("not_utf8", "The document is not UTF-8.") from None
    if "<!DOCTYPE" in plain:
        raise SamlError("xml_not_plain", "The document has a DTD, which is never accepted.")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=drops_comments,
        remove_pis=drops_comments,
    )
    try:
        root = etree.fromstring(plain.encode(), parser)
    except etree.XMLSyntaxError:
        raise SamlError("not_xml", "The document is not well-formed XML.") from None
    if root.getroottree().docinfo.doctype or any(True for _ in root.iter(etree.Entity)):
        raise SamlError("xml_not_plain", "The document has a DTD or an entity, which is never accepted.")
    return root


def _require_unique_identifiers(root: Element) -> None:
    seen = [value for node in root.iter() for one in _IDENTIFIERS if (value := node.get(one)) is not None]
    if len(seen) != len(set(seen)):
        raise SamlError("duplicate_id", "Two elements of the message have the same ID.")
