"""SCIM 2.0: an identity provider sends its people and groups. Knows no HTTP library and no SQL (RFC 7643, RFC 7644)."""
