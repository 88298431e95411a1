"""Connections for tests: what is sent to add one, and what is asked of them."""

from typing import Any, Final

from tests.live import Live

SHOWN: Final = """
fragment Shown on Connection {
  id name displayName kind isEnabled joining createdAt changedAt
  openIdConnect { issuer clientId authentication hasSecret scopes }
  saml { entityId ssoUrl ssoBinding sloUrl idpInitiated certificates { fingerprint endsAt hasEnded } }
  claims { email firstName lastName groups secondFactor }
  groups { group roles { name } }
  urls { callback backchannelLogout entityId assertionConsumer singleLogout }
  people lastUsedAt revision
}"""
ALL: Final = f"{SHOWN} query {{ connections {{ ...Shown }} }}"
ONE: Final = f"{SHOWN} query($id: ID!) {{ connection(id: $id) {{ ...Shown }} }}"
ADD: Final = f"{SHOWN} mutation($i: OpenIdConnectionInput!) {{ addOpenIdConnection(input: $i) {{ ...Shown }} }}"
ADD_SAML: Final = f"{SHOWN} mutation($i: SamlConnectionInput!) {{ addSamlConnection(input: $i) {{ ...Shown }} }}"
UPDATE: Final = f"""{SHOWN} mutation($id: ID!, $i: UpdateConnectionInput!) {{
  updateConnection(id: $id, input: $i) {{ ...Shown }}
}}"""
SECRET: Final = f"""{SHOWN} mutation($id: ID!, $s: String!) {{
  setConnectionSecret(id: $id, secret: $s) {{ ...Shown }}
}}"""
ADD_CERTIFICATE: Final = f"""{SHOWN} mutation($id: ID!, $c: String!) {{
  addConnectionCertificate(id: $id, certificate: $c) {{ ...Shown }}
}}"""
REMOVE_CERTIFICATE: Final = f"""{SHOWN} mutation($id: ID!, $f: String!) {{
  removeConnectionCertificate(id: $id, fingerprint: $f) {{ ...Shown }}
}}"""
OWN: Final = """mutation($id: ID!) { %s(id: $id) { ownCertificates { state fingerprint endsAt hasEnded } } }"""
GROUPS: Final = f"""{SHOWN} mutation($id: ID!, $g: [GroupRolesInput!]!) {{
  setConnectionGroups(id: $id, groups: $g) {{ ...Shown }}
}}"""
SWITCH: Final = f"""{SHOWN} mutation($id: ID!, $on: Boolean!) {{ switchConnection(id: $id, on: $on) {{ ...Shown }} }}"""
REMOVE: Final = "mutation($id: ID!) { removeConnection(id: $id) }"
ENTITY: Final = "https://idp.example/saml"
OPEN_ID: Final[dict[str, Any]] = {
    "name": "alder-entra",
    "displayName": "Alder Entra",
    "issuer": "https://login.example.com/alder/v2.0",
    "clientId": "7f0c",
    "secret": "a secret of the provider's",
}


def add(live: Live, token: str, **changes: Any) -> Any:
    """Adds a connection that is acceptable."""
    return live.data(token, ADD, {"i": OPEN_ID | changes})["addOpenIdConnection"]


def metadata(
    *certificates: str, entity_id: str = "https://idp.example/saml", location: str = "https://idp.example/sso"
) -> str:
    """Writes the metadata of a SAML identity provider that signs with these certificates."""
    keys = "".join(
        '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{one}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for one in certificates
    )
    return f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{location}"/>
</md:IDPSSODescriptor></md:EntityDescriptor>"""
