"""An identity provider made of pysaml2, which is not ours: it reads our metadata and requests, and answers them."""

import warnings
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from rxauth.federation.saml import own_metadata
from rxauth.federation.saml.own_metadata import ServiceProvider
from tests.federation.saml.issuing import RSA_SHA256, SHA256, THEIR_KEY, THEIRS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it imports what its own dependencies will move
    from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
    from saml2.config import IdPConfig
    from saml2.metadata import entity_descriptor
    from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
    from saml2.server import Server


class Pysaml2Provider:
    """The provider, which knows us by the metadata that we write."""

    def __init__(self, us: ServiceProvider, folder: Path) -> None:
        (folder / "sp.xml").write_bytes(own_metadata.write(us))
        pem, key = serialization.Encoding.PEM, THEIR_KEY
        pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        (folder / "idp.key").write_bytes(key.private.private_bytes(pem, pkcs8, plain))
        (folder / "idp.pem").write_bytes(key.certificate.parsed.public_bytes(pem))
        endpoints = {
            "single_sign_on_service": [
                ("https://idp.example/sso", BINDING_HTTP_REDIRECT),
                ("https://idp.example/sso/post", BINDING_HTTP_POST),
            ],
            "single_logout_service": [("https://idp.example/slo", BINDING_HTTP_REDIRECT)],
        }
        self._configuration = IdPConfig().load(
            {
                "entityid": THEIRS,
                "xmlsec_binary": "/usr/bin/xmlsec1",
                "key_file": str(folder / "idp.key"),
                "cert_file": str(folder / "idp.pem"),
                "metadata": {"local": [str(folder / "sp.xml")]},
                "service": {"idp": {"endpoints": endpoints, "want_authn_requests_signed": True}},
            }
        )
        self._server = Server(config=self._configuration)
        self._us = us

    def metadata(self) -> bytes:
        """Returns its own metadata."""
        return str(entity_descriptor(self._configuration)).encode()

    def request(self, query: dict[str, str], *, is_logout: bool = False) -> Any:
        """Reads a request from a URL, whose signature it verifies."""
        read = self._server.parse_logout_request if is_logout else self._server.parse_authn_request
        return read(
            query["SAMLRequest"],
            BINDING_HTTP_REDIRECT,
            relay_state=query["RelayState"],
            sigalg=query["SigAlg"],
            signature=query["Signature"],
        ).message

    def posted_request(self, value: str) -> Any:
        """Reads a request that was posted, whose signature it verifies."""
        return self._server.parse_authn_request(value, BINDING_HTTP_POST).message

    def answer(self, request_id: str, *, signs_response: bool = False) -> str:
        """Authenticates grace."""
        response = self._server.create_authn_response(
            identity={"mail": ["grace@clinic.example"], "eduPersonAffiliation": ["nurse", "prescriber"]},
            in_response_to=request_id,
            destination=self._us.acs_url,
            sp_entity_id=self._us.entity_id,
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text="grace"),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"},
            sign_assertion=not signs_response,
            sign_response=signs_response,
            sign_alg=RSA_SHA256,
            digest_alg=SHA256,
        )
        return str(response)

    def logout_request(self) -> str:
        """Ends grace's session: the query of a URL."""
        _, request = self._server.create_logout_request(
            self._us.logout_url,
            self._us.entity_id,
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text="grace"),
            session_indexes=["s1"],
            sign=False,
        )
        return self._query(str(request), self._us.logout_url, is_response=False)

    def logout_answer(self, request: Any, relay_state: str = "state") -> str:
        """Tells that the session ended there: the query of a URL."""
        response = self._server.create_logout_response(request, [BINDING_HTTP_REDIRECT], sign=False)
        return self._query(str(response), self._us.logout_url, relay_state, is_response=True)

    def _query(self, message: str, destination: str, relay_state: str = "state", *, is_response: bool) -> str:
        sent = self._server.apply_binding(
            BINDING_HTTP_REDIRECT, message, destination, relay_state, response=is_response, sign=True, sigalg=RSA_SHA256
        )
        return str(dict(sent["headers"])["Location"]).partition("?")[2]
