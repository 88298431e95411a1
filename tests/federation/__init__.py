"""Mirrors rxauth.federation."""
