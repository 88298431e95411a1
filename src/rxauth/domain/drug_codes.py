"""The codes of medications as they are compared: an NDC with or without hyphens, of ten digits or of eleven."""

from collections.abc import Mapping
from typing import Final

# How many digits the labeler's, the product's and the package's part of an NDC have on a bill (45 CFR 162.1002).
_BILLED: Final = (5, 4, 2)


def plain(code: str) -> str:
    """Returns a code as it is looked up."""
    return "".join(character for character in code.upper() if character.isalnum())


def billed(ndc: str) -> str:
    """Returns an NDC with each part as long as on a bill; one that has no hyphens stays as it is."""
    parts = ndc.split("-")
    if len(parts) not in {2, 3}:
        return plain(ndc)
    return "".join(part.zfill(length) for part, length in zip(parts, _BILLED, strict=False))


def spellings(codes: Mapping[str, str | None]) -> set[str]:
    """Returns how the codes of a medication may be typed, as `plain` makes them."""
    found = {plain(rxcui)} if (rxcui := codes.get("rxcui")) else set()
    ndc = codes.get("package_ndc") or codes.get("product_ndc")
    return found if ndc is None else found | {plain(ndc), billed(ndc)}
