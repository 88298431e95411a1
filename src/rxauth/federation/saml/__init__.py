"""SAML 2.0 as a service provider: what an identity provider is told and what is read from it. No HTTP, no SQL."""
