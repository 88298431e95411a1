"""OpenID Connect as the relying party: what is asked of a provider, and what its answers must be (Core 1.0)."""
