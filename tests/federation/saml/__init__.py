"""Mirrors rxauth.federation.saml."""
