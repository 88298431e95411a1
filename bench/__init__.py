"""Benchmarks against the real server."""
