"""OAuth 2 and OpenID Connect: the protocol, without HTTP and without SQL."""
