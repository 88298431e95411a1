"""Apps: the clients that an organization's people sign in with, as the organization itself keeps them."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import bindparam, delete, select, update

from rxauth.domain import changes, client_urls, clients, peoples_clients
from rxauth.domain.client_urls import Registered, UrlKind
from rxauth.domain.clients import NATIVE
from rxauth.domain.destinations import Network, require_destination
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.domain.names import require_text
from rxauth.domain.peoples_clients import PEOPLES, PeoplesClient
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_urls as urls_table
from rxauth.storage.tables.access import clients as table
from rxauth.storage.tenancy import insert_row, sql

APPS_LIMIT: Final = 100  # of one organization
_INSERT_URL = insert_row(urls_table)
_MINE = (
    table.c.organization_id == bindparam("organization_id"),
    table.c.app_type.in_(sorted(PEOPLES)),
    table.c.disabled_at.is_(None),
)
_COLUMNS = (
    *(table.c[name] for name in ("id", "name", "app_type", "created_at", "third_party", "any_organization")),
    table.c.backchannel_logout_uri,
)
_ALL = sql(select(*_COLUMNS).where(*_MINE).order_by(table.c.created_at, table.c.id))
_ONE = sql(select(*_COLUMNS).where(*_MINE, table.c.id == bindparam("id")))
_LOCKED = sql(select(table.c.id).where(*_MINE, table.c.id == bindparam("id")).with_for_update())
_URLS = sql(
    select(urls_table.c.client_id, urls_table.c.kind, urls_table.c.url)
    .where(
        urls_table.c.organization_id == bindparam("organization_id"),
        urls_table.c.client_id.in_(bindparam("ids", expanding=True)),
    )
    .order_by(urls_table.c.client_id, urls_table.c.kind, urls_table.c.url)
)
_CHANGE = sql(
    update(table)
    .where(table.c.organization_id == bindparam("the_organization_id"), table.c.id == bindparam("the_id"))
    .values(name=bindparam("name"), backchannel_logout_uri=bindparam("backchannel_logout_uri"))
)
_DELETE_URLS = sql(
    delete(urls_table).where(
        urls_table.c.organization_id == bindparam("organization_id"), urls_table.c.client_id == bindparam("client_id")
    )
)


@dataclass(frozen=True, slots=True)
class App:
    """An app. The URLs are those that were given, without the forms that are stored beside an origin.

    web_origins: those beside the origins of redirect_urls. backchannel_logout_uri None: it does not hear of logouts.
    secret: of a confidential one, in the answer that made it; None: nobody knows it any more.
    """

    id: str
    name: str = field(repr=False)
    app_type: str
    created_at: int
    third_party: bool
    any_organization: bool
    backchannel_logout_uri: str | None = field(repr=False)
    redirect_urls: tuple[str, ...] = field(repr=False)
    logout_urls: tuple[str, ...] = field(repr=False)
    web_origins: tuple[str, ...] = field(repr=False)
    secret: str | None = field(default=None, repr=False)

    @property
    def revision(self) -> str:
        """What changes with anything that can be changed of the app."""
        shown = (self.name, self.backchannel_logout_uri, self.redirect_urls, self.logout_urls, self.web_origins)
        return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks an app to be."""

    name: str | None = field(repr=False)
    app_type: str
    redirect_urls: tuple[str, ...] = field(repr=False)
    logout_urls: tuple[str, ...] = field(default=(), repr=False)
    web_origins: tuple[str, ...] = field(default=(), repr=False)
    backchannel_logout_uri: str | None = field(default=None, repr=False)

    def accepted(self, networks: Sequence[Network]) -> PeoplesClient:
        """Returns the client that it asks for, once all of it is acceptable.

        networks: the private ones that this server may call.

        Raises:
            InvalidError: naming what is not, such as redirectUrls[1].
        """
        name = (self.name or "").strip()
        require_text(name, "name")
        if not self.redirect_urls:
            raise InvalidError("redirectUrls has no URL: people could not come back from signing in", "redirectUrls")
        is_native = self.app_type == NATIVE
        _require_each("redirectUrls", self.redirect_urls, is_native=is_native)
        _require_each("logoutUrls", self.logout_urls, is_native=is_native)
        _require_each("webOrigins", self.web_origins, is_native=False)
        for place, url in enumerate(self.web_origins):
            if urlsplit(url).path not in {"", "/"} or "?" in url:
                where = f"webOrigins[{place}]"
                raise InvalidError(f"{where}: an origin has no path: write only https://, the host and a port", where)
        if len(self.redirect_urls) + len(self.logout_urls) + len(self.web_origins) > client_urls.URLS_LIMIT:
            raise InvalidError(f"an app has at most {client_urls.URLS_LIMIT} URLs", "redirectUrls")
        if self.backchannel_logout_uri is not None:
            try:
                require_destination(self.backchannel_logout_uri, networks)
            except InvalidError as error:
                problem = str(error).removeprefix("url ")
                raise InvalidError(f"the back-channel logout URL {problem}", "backchannelLogoutUri") from None
        registered = Registered(self.redirect_urls, self.logout_urls, self.web_origins)
        return PeoplesClient(name, self.app_type, registered, backchannel_logout_uri=self.backchannel_logout_uri)


def create(
    transaction: Transaction, organization_id: str, wanted: Wanted, networks: Sequence[Network], now: int
) -> App:
    """Adds an app of the organization's own, for its own people.

    Raises:
        InvalidError: see `Wanted.accepted`, or there are too many.
    """
    accepted = wanted.accepted(networks)
    if len(transaction.all(_ALL, organization_id=organization_id)) >= APPS_LIMIT:
        raise InvalidError(f"an organization has at most {APPS_LIMIT} apps: remove one")
    client_id, secret = peoples_clients.create_peoples_client(transaction, organization_id, accepted, now)
    made = require(transaction, organization_id, client_id)
    return made if secret is None else replace(made, secret=secret.text)


def change(
    transaction: Transaction,
    organization_id: str,
    app_id: str,
    networks: Sequence[Network],
    now: int,
    *,
    read_as: str | None = None,
    **named: Any,
) -> App:
    """Changes what is named of name, redirect_urls, logout_urls, web_origins and backchannel_logout_uri.

    read_as: the revision that whoever asks has seen; None: whatever there is now is changed.

    Raises:
        AbsentError: the organization has no such app. InvalidError: see `Wanted.accepted`.
        ExistsError: the app serves every organization, or somebody changed it since it was read.
    """
    transaction.first(_LOCKED, organization_id=organization_id, id=app_id)
    before = _require_own(transaction, organization_id, app_id)
    if read_as is not None and read_as != before.revision:
        raise ExistsError("somebody changed the app since you read it: read it again, and then change it", "revision")
    was = {name: getattr(before, name) for name in ("name", *_URL_FIELDS, "backchannel_logout_uri")}
    accepted = Wanted(app_type=before.app_type, **(was | named)).accepted(networks)
    stored = accepted.registered.stored(is_native=before.app_type == NATIVE)
    owner = {"organization_id": organization_id, "client_id": app_id}
    transaction.run(
        _CHANGE,
        the_organization_id=organization_id,
        the_id=app_id,
        name=accepted.name,
        backchannel_logout_uri=accepted.backchannel_logout_uri,
    )
    transaction.run(_DELETE_URLS, **owner)
    transaction.run_many(_INSERT_URL, [{**owner, "kind": kind, "url": url} for kind, url in sorted(stored)])
    changes.record(transaction, changes.ChangeKind.CLIENT, app_id, now)
    return require(transaction, organization_id, app_id)


def remove(transaction: Transaction, organization_id: str, app_id: str, now: int) -> None:
    """Shuts an app out for good: nobody signs in with it any more, and its tokens are refused.

    Raises:
        AbsentError: the organization has no such app. ExistsError: it serves every organization.
    """
    transaction.first(_LOCKED, organization_id=organization_id, id=app_id)
    _require_own(transaction, organization_id, app_id)
    clients.disable(transaction, app_id, now)


def revoke_secret(transaction: Transaction, organization_id: str, app_id: str, secret_id: str, now: int) -> App:
    """Ends a secret of an app at once.

    Raises:
        AbsentError: the organization has no such app, or the app no such secret. ExistsError: it serves everybody.
    """
    found = _require_own(transaction, organization_id, app_id)
    try:
        clients.revoke_secret(transaction, app_id, secret_id, now)
    except AbsentError:
        raise AbsentError("there is no such secret that is not revoked", "secretId") from None
    return found


def all_of(transaction: Transaction, organization_id: str) -> list[App]:
    """Lists an organization's apps, oldest first."""
    return _with_urls(transaction, organization_id, transaction.all(_ALL, organization_id=organization_id))


def find(transaction: Transaction, organization_id: str, app_id: str) -> App | None:
    """Returns an app of the organization, or None."""
    found = _with_urls(transaction, organization_id, transaction.all(_ONE, organization_id=organization_id, id=app_id))
    return found[0] if found else None


def require(transaction: Transaction, organization_id: str, app_id: str) -> App:
    """Returns an app of the organization.

    Raises:
        AbsentError: it has no such app.
    """
    found = find(transaction, organization_id, app_id)
    if found is None:
        raise AbsentError("there is no such app", "id")
    return found


_URL_FIELDS: Final = ("redirect_urls", "logout_urls", "web_origins")


def _require_own(transaction: Transaction, organization_id: str, app_id: str) -> App:
    """Returns an app that the organization may change: its URLs are where the people of others would be sent too."""
    found = require(transaction, organization_id, app_id)
    if found.any_organization:
        raise ExistsError("the app serves every organization: only the operator of this server changes it", "id")
    return found


def _require_each(where: str, urls: Iterable[str], *, is_native: bool) -> None:
    for place, url in enumerate(urls):
        try:
            client_urls.require_url(url, is_native=is_native)
        except InvalidError as error:
            raise error.within(f"{where}[{place}]") from None


def _with_urls(transaction: Transaction, organization_id: str, rows: Sequence[Any]) -> list[App]:
    stored: dict[str, set[tuple[UrlKind, str]]] = defaultdict(set)
    ids = [row.id for row in rows]
    for one in transaction.all(_URLS, organization_id=organization_id, ids=ids) if ids else ():
        stored[one.client_id].add((UrlKind(one.kind), one.url))
    given = [client_urls.given(stored[row.id]) for row in rows]
    return [
        App(**row._mapping, redirect_urls=urls.callbacks, logout_urls=urls.logout_urls, web_origins=urls.origins)
        for row, urls in zip(rows, given, strict=True)
    ]
