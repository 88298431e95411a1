"""Signing in with somebody else's identity provider: the protocols, without HTTP and without SQL."""
