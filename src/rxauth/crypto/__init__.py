"""Secrets, signatures and sealing: the only code that touches cryptography."""
