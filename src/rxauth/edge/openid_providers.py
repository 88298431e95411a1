"""What OpenID providers are asked without a browser: what they say of themselves, their keys, and tokens for a code."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from rxauth.clock import Clock
from rxauth.domain.destinations import Network
from rxauth.edge.outbound import Answered, ForbiddenAddressError, Outbound, why
from rxauth.federation.openid import exchange, key_set
from rxauth.federation.openid import metadata as descriptions
from rxauth.federation.openid.exchange import Form, Tokens
from rxauth.federation.openid.key_set import KeySet
from rxauth.federation.openid.metadata import Metadata
from rxauth.federation.problems import UnreachableError, UpstreamError

KEPT_S: Final = 3_600
KEYS_AGAIN_S: Final = 30  # so that a token with a made-up key identifier has nobody asked again and again
PROVIDERS_LIMIT: Final = 200
ANSWER_LIMIT_BYTES: Final = 262_144
_PLAIN: Final = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "rxauth"}
_FORM: Final = {**_PLAIN, "content-type": "application/x-www-form-urlencoded"}


class _Known:
    """What is known of one provider. Times: UTC seconds; -1: never."""

    def __init__(self) -> None:
        self.asking = asyncio.Lock()
        self.metadata: Metadata | None = None
        self.metadata_at = -1
        self.keys: KeySet | None = None
        self.keys_at = -1


class OpenIdProviders:
    """The providers that this process has to do with, by issuer: those used longest ago are forgotten first."""

    def __init__(self, outbound: Outbound, networks: Sequence[Network], clock: Clock) -> None:
        self._outbound = outbound
        self._networks = tuple(networks)
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def metadata(self, issuer: str) -> Metadata:
        """Returns what a provider says of itself, not older than an hour.

        Raises:
            UpstreamError: see `metadata.read`. UnreachableError: see there.
        """
        known, now = self._of(issuer), self._clock.seconds()
        async with known.asking:
            if known.metadata is None or not 0 <= now - known.metadata_at < KEPT_S:
                answer = await self._get(descriptions.url_of(issuer))
                known.metadata = descriptions.read(answer.body, issuer, self._networks)
                known.metadata_at = now
            return known.metadata

    async def keys(self, metadata: Metadata, *, but: KeySet | None = None) -> KeySet:
        """Returns the keys of a provider, not older than an hour. but: those in which one was missing; they are asked
        for anew, unless that was done just now.

        Raises:
            UpstreamError: see `key_set.read`. UnreachableError: see there.
        """
        known, now = self._of(metadata.issuer), self._clock.seconds()
        async with known.asking:
            age_s = now - known.keys_at
            is_stale = known.keys is None or not 0 <= age_s < KEPT_S
            if known.keys is None or is_stale or (known.keys is but and age_s >= KEYS_AGAIN_S):
                answer = await self._get(metadata.jwks_uri)
                known.keys, known.keys_at = key_set.read(answer.body), now
            return known.keys

    async def redeem(self, metadata: Metadata, form: Form) -> Tokens:
        """Exchanges a code.

        Raises:
            UpstreamError: see `exchange.read`. UnreachableError: see there.
        """
        body = urlencode(form.fields).encode()
        answer = await self._asked(metadata.token_endpoint, body, {**_FORM, **form.headers})
        return exchange.read(answer.status, answer.body)

    async def userinfo(self, metadata: Metadata, access_token: str) -> bytes | None:
        """Returns what the userinfo endpoint says; None: there is none.

        Raises:
            UnreachableError: see there.
        """
        if metadata.userinfo_endpoint is None:
            return None
        headers = {**_PLAIN, "authorization": f"Bearer {access_token}"}
        return (await self._get(metadata.userinfo_endpoint, headers)).body

    async def close(self) -> None:
        """Closes all connections."""
        await self._outbound.close()

    def _of(self, issuer: str) -> _Known:
        known = self._known.setdefault(issuer, _Known())
        self._known.move_to_end(issuer)
        if len(self._known) > PROVIDERS_LIMIT:
            self._known.popitem(last=False)
        return known

    async def _get(self, url: str, headers: dict[str, str] = _PLAIN) -> Answered:
        answer = await self._asked(url, None, headers)
        if answer.status != 200:
            raise UnreachableError("provider_failed", f"the provider answered {answer.status}, not 200, at {url}")
        return answer

    async def _asked(self, url: str, body: bytes | None, headers: dict[str, str]) -> Answered:
        try:
            answer = await self._outbound.ask(url, body, headers, ANSWER_LIMIT_BYTES)
        except ForbiddenAddressError:
            raise UpstreamError(
                "forbidden_address", f"the provider is at a private address, which the operator has to name: {url}"
            ) from None
        except OSError as error:
            raise UnreachableError(f"provider_{why(error)}", f"nobody answered at {url}") from None
        if answer.status >= 500:
            raise UnreachableError("provider_failed", f"the provider answered {answer.status} at {url}")
        if len(answer.body) >= ANSWER_LIMIT_BYTES:
            raise UpstreamError("answer_malformed", f"the provider answered with more than anybody reads at {url}")
        return answer
