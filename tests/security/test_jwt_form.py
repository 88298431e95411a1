"""Attacks with the form of a token: what is no compact JWS, what only looks like one, and names of keys."""

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import RSAKey
from sqlalchemy import event

from rxauth.crypto.jws import encode_base64url
from tests.live import Live, challenge_attributes
from tests.security.forging import READ, accepted, forged, good_header, part, refusal, served, signed
from tests.world import Template


@pytest.fixture(scope="module")
def api(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from served(templates, tmp_path_factory)


def _with_stray_bits(text: str) -> str:
    """Returns another spelling of the same octets: the last character of a 342-character part has four unused bits."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    altered = text[:-1] + alphabet[alphabet.index(text[-1]) + 1]
    assert base64.urlsafe_b64decode(altered + "==") == base64.urlsafe_b64decode(text + "==")
    return altered


SEGMENTS = {
    "one": "{head}",
    "two": "{head}.{body}",
    "four": "{head}.{body}.{signature}.{signature}",
    "four, the last empty": "{head}.{body}.{signature}.",
    "five": "{head}.{body}.{signature}.{head}.{body}",
    "six": "{head}.{body}.{signature}.{head}.{body}.{signature}",
    "a leading dot": ".{head}.{body}.{signature}",
    "no header": ".{body}.{signature}",
    "no payload": "{head}..{signature}",
    "no signature": "{head}.{body}.",
    "only dots": "..",
    "padded header": "{head}=.{body}.{signature}",
    "padded payload": "{head}.{body}=.{signature}",
    "padded signature": "{head}.{body}.{signature}==",
    "stray last bits": "{head}.{body}.{stray}",
    "one octet too many": "{head}.{body}.{signature}AA",
    "the other alphabet": "{head}.{body}.+/{signature}",
    "a parameter after it": "{head}.{body}.{signature},realm=x",
}


@pytest.mark.parametrize("segments", SEGMENTS)
def test_a_token_of_any_other_form_than_three_canonical_parts_is_refused(api: Live, segments: str) -> None:
    """RFC 7515 §7.1; the parts themselves are those of a good token."""
    token = forged(api, {})
    assert accepted(api.graphql(token, READ))
    head, body, signature = token.split(".")
    altered = SEGMENTS[segments].format(head=head, body=body, signature=signature, stray=_with_stray_bits(signature))
    answer = api.graphql(altered, READ)

    assert answer.status_code in {400, 401}  # 400 for what no token may have among its characters (RFC 6750 §2.1)
    assert challenge_attributes(answer)["error"] in {"invalid_request", "invalid_token"}
    assert "data" not in answer.json()


@pytest.mark.parametrize("in_base64", [True, False])
@pytest.mark.parametrize("form", ["flattened", "general", "no signatures", "a header beside the signed one"])
def test_the_json_serialization_of_a_good_token_is_refused(api: Live, form: str, in_base64: bool) -> None:
    """RFC 7515 §7.2."""
    head, body, signature = forged(api, {}).split(".")
    signed_part = {"protected": head, "signature": signature}
    forms: dict[str, dict[str, Any]] = {
        "flattened": {"payload": body, **signed_part},
        "general": {"payload": body, "signatures": [signed_part]},
        "no signatures": {"payload": body, "signatures": []},
        "a header beside the signed one": {"payload": body, **signed_part, "header": {"alg": "none"}},
    }
    text = json.dumps(forms[form], separators=(",", ":"))
    answer = api.graphql(encode_base64url(text.encode()) if in_base64 else text, READ)

    assert answer.status_code in {400, 401}
    assert "data" not in answer.json()


HEADERS: dict[str, Callable[[str], str]] = {
    "a member twice": lambda header: f'{header[:-1]}, "alg": "RS256"}}',
    "a member twice in a nested object": lambda header: f'{header[:-1]}, "x": {{"a": 1, "a": 2}}}}',
    "no object": lambda header: f"[{header}]",
    "null": lambda _header: "null",
    "not closed": lambda header: header[:-1],
    "something after it": lambda header: header + "{}",
    "not a number of JSON": lambda header: f'{header[:-1]}, "x": NaN}}',
    "nested without end": lambda header: f'{header[:-1]}, "x": {"[" * 2_000}',
}


@pytest.mark.parametrize("flaw", HEADERS)
def test_a_signed_token_whose_header_is_not_one_json_object_is_refused(api: Live, flaw: str) -> None:
    """RFC 7515 §4, §5.2."""
    header = HEADERS[flaw](json.dumps(good_header(api))).encode()

    refusal(api, signed(header, api.claims(api.world.alder), api.world.current_key.private))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32-be"])
def test_a_signed_token_whose_header_is_not_in_utf_8_is_refused(api: Live, encoding: str) -> None:
    """RFC 7515 §5.2 step 3; other readers would see another header, or none."""
    header = json.dumps(good_header(api)).encode(encoding)

    refusal(api, signed(header, api.claims(api.world.alder), api.world.current_key.private))


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256"])
def test_an_encrypted_token_made_for_our_public_key_is_refused(api: Live, algorithm: str) -> None:
    """Whoever encrypts proves nothing: the key is public."""
    published = api.world.current_key.verification_key().as_jwk()
    key = RSAKey.import_key({name: published[name] for name in ("kty", "n", "e")})
    header = {**good_header(api), "alg": algorithm, "enc": "A256GCM"}
    claims = json.dumps(api.claims(api.world.alder)).encode()

    refusal(api, jwe.encrypt_compact(header, claims, key, algorithms=[algorithm, "A256GCM"]))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RSA-OAEP", "enc": "A256GCM", "zip": "DEF"},
        {"alg": "dir", "enc": "A128CBC-HS256", "zip": "DEF"},
        {"alg": "PBES2-HS256+A128KW", "enc": "A128CBC-HS256", "p2s": "c2FsdHNhbHQ", "p2c": 2**31 - 1},
    ],
)
def test_an_encrypted_token_that_would_cost_much_to_open_is_not_opened(api: Live, header: dict[str, Any]) -> None:
    bomb = zlib.compress(bytes(2_000_000), 9, wbits=-15)

    refusal(
        api, ".".join((part(good_header(api) | header), part(bytes(32)), part(bytes(16)), part(bomb), part(b"tag")))
    )


def test_a_signed_token_with_a_compressed_payload_is_not_inflated(api: Live) -> None:
    payload = zlib.compress(json.dumps(api.claims(api.world.alder)).encode(), 9, wbits=-15)

    refusal(api, signed({**good_header(api), "zip": "DEF"}, payload, api.world.current_key.private))


KEY_IDS: list[Any] = [
    None,
    "",
    "unknown",
    "../../../../etc/passwd",
    "/dev/null",
    "' OR 1=1 --",
    "x' UNION SELECT sealed_private FROM signing_keys --",
    "key\x00",
    "key\r\nset-cookie: a=b",
    "https://evil.example.com/jwks.json",
    "\ud800",
    "k" * 5_000,
    0,
    True,
    [],
    {},
    1e308,
]


@pytest.mark.parametrize("key_id", KEY_IDS)
def test_a_token_that_names_a_key_we_do_not_publish_is_refused(api: Live, key_id: Any) -> None:
    """Signed with the key that is in use, so that only the name can be what is wrong."""
    refusal(api, forged(api, {"kid": key_id}))


def test_the_name_of_a_key_is_compared_whole(api: Live) -> None:
    known = api.world.current_key.key_id
    for key_id in (known[:-1], known + "A", known.swapcase(), f" {known}", [known]):
        refusal(api, forged(api, {"kid": key_id}))


def test_a_flood_of_unknown_keys_does_not_read_the_database(sqlite_live: Live) -> None:
    """RFC 8725 §3.10: whoever invents names of keys must not make the server work."""
    tokens = [forged(sqlite_live, {"kid": f"unknown-{number}"}) for number in range(40)]
    sqlite_live.server.feed.stop()  # it would read too
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(sqlite_live.server.database.engines.reader, "before_cursor_execute", note)
    for token in tokens:
        refusal(sqlite_live, token)
    assert statements == []

    sqlite_live.server.database.read(lambda tx: tx.connection.exec_driver_sql("SELECT 1"))
    assert statements == ["BEGIN", "SELECT 1", "COMMIT"]  # so a reading would have been seen
