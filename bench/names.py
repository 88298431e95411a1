"""What is measured, and of whom: the names by which runs are found again."""

from typing import Final

TOKEN: Final = "token, RS256"
TOKEN_ES256: Final = "token, ES256"
INTROSPECTION: Final = "introspection"
REFRESH: Final = "refresh"
CODE: Final = "code exchange"
LOGIN: Final = "login"
AUTHORIZE: Final = "live session to a code"
CALL: Final = "patient(id)"
PATIENT: Final = "createPatient"
PRESCRIPTION: Final = "createPrescription"
ANSWER: Final = "an answer and nothing more"

SQLITE: Final = "rxauth on SQLite"
POSTGRES: Final = "rxauth on PostgreSQL"
ENGINES: Final = (SQLITE, POSTGRES)
UNCHAINED: Final = "audit log not chained, SQLite"
UNVERIFIED: Final = "no verification, no policy, SQLite"
HALF_PEAK: Final = "at half its peak, SQLite"
HALF_PEAK_QUEUED: Final = "at half its peak, Argon2 queue full"
ASGI: Final = "bare ASGI app, uvicorn"
NODE: Final = "oidc-provider"
DJANGO: Final = "django-oauth-toolkit"
DJANGO_FAST: Final = "django-oauth-toolkit, fast hasher"
PEERS: Final = (NODE, DJANGO, DJANGO_FAST)


def of(act: str, who: str) -> str:
    """Names a contender."""
    return f"{act}: {who}"
