"""Signing in with an organization's own identity provider: browsers sent there, and what they come back with."""
