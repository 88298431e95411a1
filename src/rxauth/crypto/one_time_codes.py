"""Codes that change every 30 seconds, made from a shared secret (RFC 6238, with what every authenticator app takes)."""

import hmac
import secrets
from base64 import b32encode
from typing import Final

import pyotp

SECRET_BYTES: Final = 20  # RFC 4226 §4: as long as the SHA-1 that it keys
STEP_S: Final = 30
DIGITS: Final = 6
# RFC 6238 §5.2: the device's clock and the person's hands may be one step off.
_DRIFT_STEPS: Final = (-1, 0, 1)


def new_secret() -> bytes:
    """Returns 160 random bits."""
    return secrets.token_bytes(SECRET_BYTES)


def as_text(secret: bytes) -> str:
    """Returns a secret as people type it into an app: base32."""
    return b32encode(secret).decode()


def as_uri(secret: bytes, issuer: str, account: str) -> str:
    """Returns the `otpauth:` URI that an app reads from a QR code."""
    return _codes(secret).provisioning_uri(name=account, issuer_name=issuer)


def code_at(secret: bytes, now: int) -> str:
    """Returns the code that an app shows at a moment; now: UTC seconds."""
    return _codes(secret).generate_otp(now // STEP_S)


def matching_steps(secret: bytes, typed: str, now: int) -> list[int]:
    """Returns those steps around `now` whose code was typed, oldest first; how many match changes nothing in the time.

    Only six ASCII digits are a code: pyotp by itself would take digits of every script.
    """
    if len(typed) != DIGITS or not (typed.isascii() and typed.isdigit()):
        return []
    codes, current = _codes(secret), now // STEP_S
    steps = [current + drift for drift in _DRIFT_STEPS if current + drift >= 0]
    return [step for step in steps if hmac.compare_digest(codes.generate_otp(step), typed)]


def _codes(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(as_text(secret), digits=DIGITS, interval=STEP_S)
