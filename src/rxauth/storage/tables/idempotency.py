"""Answers to mutations that carried an Idempotency-Key, kept for a day so that a repeat gets the same one."""

from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary

from rxauth.storage.tables.metadata import tenant_table

kept_answers: Final = tenant_table(
    "kept_answers",
    # A keyed digest of the client, the person and the key; and one of what was asked.
    Column("scope", LargeBinary, primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("sealed_answer", LargeBinary, nullable=False),
    Column("made_at", BigInteger, nullable=False, index=True),
    in_primary_key=True,
)
