"""What the pages of connections ask the API."""

from typing import Final

LIST: Final = """
query Connections {
  connections { id name displayName kind isEnabled people lastUsedAt openIdConnect { issuer } saml { entityId } }
}
"""
NEW: Final = "query NewConnection { organization { id name } }"
ADD: Final = "mutation AddConnection($input: OpenIdConnectionInput!) { addOpenIdConnection(input: $input) { id } }"
ADD_SAML: Final = "mutation AddConnection($input: SamlConnectionInput!) { addSamlConnection(input: $input) { id } }"
CONNECTION: Final = """
  id name displayName kind isEnabled joining createdAt people lastUsedAt revision
  openIdConnect { issuer clientId authentication hasSecret scopes }
  saml { entityId ssoUrl sloUrl idpInitiated certificates { fingerprint endsAt hasEnded } }
  ownCertificates { state fingerprint endsAt hasEnded }
  claims { email firstName lastName groups secondFactor }
  groups { group roles { id name } }
  urls { callback backchannelLogout entityId assertionConsumer singleLogout }
"""
ONE: Final = f"query Connection($id: ID!) {{ connection(id: $id) {{ {CONNECTION} }} }}"
OWN: Final = f"""
query ConnectionCertificates($id: ID!) {{ connection(id: $id) {{ {CONNECTION} ownCertificates {{ pem }} }} }}
"""
TRIAL: Final = f"""
query ConnectionTrial($id: ID!, $of: ID!) {{
  connection(id: $id) {{ {CONNECTION} }}
  connectionTrial(id: $id, of: $of) {{
    claims {{ name values }} email firstName lastName groups roles {{ name }} secondFactor code explanation mustLink
  }}
}}
"""
WITH_ROLES: Final = f"""
query ConnectionGroups($id: ID!) {{
  connection(id: $id) {{ {CONNECTION} }}
  mappableRoles {{ role {{ id name description }} refusal }}
}}
"""
CHANGE: Final = """
mutation ChangeConnection($id: ID!, $input: UpdateConnectionInput!) { updateConnection(id: $id, input: $input) { id } }
"""
NEW_SECRET: Final = """
mutation SetConnectionSecret($id: ID!, $secret: String!) { setConnectionSecret(id: $id, secret: $secret) { id } }
"""  # noqa: S105
ADD_CERTIFICATE: Final = """
mutation AddConnectionCertificate($id: ID!, $certificate: String!) {
  addConnectionCertificate(id: $id, certificate: $certificate) { id }
}
"""
REMOVE_CERTIFICATE: Final = """
mutation RemoveConnectionCertificate($id: ID!, $fingerprint: String!) {
  removeConnectionCertificate(id: $id, fingerprint: $fingerprint) { id }
}
"""
PUBLISH: Final = "mutation PublishCertificate($id: ID!) { publishConnectionCertificate(id: $id) { id } }"
USE: Final = "mutation UseCertificate($id: ID!) { useConnectionCertificate(id: $id) { id } }"
WITHDRAW: Final = "mutation WithdrawCertificate($id: ID!) { withdrawConnectionCertificate(id: $id) { id } }"
GROUPS: Final = """
mutation SetConnectionGroups($id: ID!, $groups: [GroupRolesInput!]!) {
  setConnectionGroups(id: $id, groups: $groups) { id }
}
"""
SWITCH: Final = "mutation SwitchConnection($id: ID!, $on: Boolean!) { switchConnection(id: $id, on: $on) { id } }"
REMOVE: Final = "mutation RemoveConnection($id: ID!) { removeConnection(id: $id) }"
