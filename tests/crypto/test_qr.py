"""QR codes: a picture that a strict content security policy lets through."""

from xml.etree import ElementTree

from rxauth.crypto.qr import as_svg


def test_a_qr_code_is_a_drawing_and_nothing_else() -> None:
    drawn = as_svg('otpauth://totp/rxauth:"><script>alert(1)</script>@x.example?secret=JBSWY3DPEHPK3PXP&issuer=rxauth')
    root = ElementTree.fromstring(drawn)
    assert [element.tag for element in root.iter()] == ["svg", "path"]
    assert {name for element in root.iter() for name in element.attrib} <= {"viewBox", "class", "stroke", "d"}
    assert "secret" not in drawn
