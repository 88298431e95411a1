"""Reminders: administrators are told by letter before the last certificate of a SAML provider ends, and before ours.

Each connection is looked at once a day, as it is then, and what came near since the look before is told. When that was
stands with it, and is moved on in the same transaction: so several servers tell it once, and one that comes late tells
what is true then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, update

from rxauth.domain import administrators, connections, letters, organizations, provider_certificates, saml_keys
from rxauth.domain.connection_settings import SAML, SamlSettings
from rxauth.domain.connections import Connection
from rxauth.domain.letters import Ending
from rxauth.domain.mails import Letter, Outbox
from rxauth.domain.organizations import Organization
from rxauth.domain.saml_keys import KeyState
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import connections as table
from rxauth.storage.tenancy import sql

LOOK_EVERY_S: Final = 86_400
REMINDED_DAYS: Final = (30, 7)
SETTINGS_PATH: Final = "/settings/connections"
_DAY_S: Final = 86_400

_NEXT = sql(
    select(table.c.organization_id, table.c.id, table.c.certificates_looked_at)
    .where(table.c.kind == SAML, table.c.certificates_looked_at <= bindparam("looked_before"))
    .order_by(table.c.certificates_looked_at, table.c.id)
    .limit(1)
    .with_for_update(skip_locked=True, key_share=True),
    across_tenants="one server looks at the certificates of every organization",
)
_MOVE = sql(
    update(table)
    .where(table.c.organization_id == bindparam("owner"), table.c.id == bindparam("connection_id"))
    .values(certificates_looked_at=bindparam("moment"))
)


@dataclass(frozen=True, slots=True)
class _Sort:
    """Whose certificate ends (UTC seconds; None: there is none), how it is told, and on which page it is changed."""

    ends_at: int | None
    letter: Callable[[str, Ending, str], Letter]
    page: str


@dataclass(frozen=True, slots=True)
class CertificateReminders:
    """Speaks of certificates that end soon. outbox: where letters are put."""

    outbox: Outbox

    def remind(self, transaction: Transaction, now: int) -> bool:
        """Looks at one connection, and speaks of it if there is something to say; tells whether there may be more."""
        row = transaction.first(_NEXT, looked_before=now - LOOK_EVERY_S)
        if row is None:
            return False
        connection = connections.require(transaction, row.organization_id, row.id)
        sorts = _sorts(transaction, connection)
        transaction.run(_MOVE, owner=row.organization_id, connection_id=row.id, moment=now)
        organization = organizations.find(transaction, row.organization_id)
        if organization is None or organization.disabled_at is not None or connection.disabled_at is not None:
            return True
        for one in sorts:
            if any(row.certificates_looked_at < moment <= now for moment in _moments(one)):
                self._tell(transaction, organization, connection, one, now)
        return True

    def _tell(
        self, transaction: Transaction, organization: Organization, connection: Connection, one: _Sort, now: int
    ) -> None:
        end = one.ends_at or now
        if end <= now:
            return
        ending = Ending(organization.name, "", connection.display_name, end, -((now - end) // _DAY_S))
        link = self.outbox.url(f"{SETTINGS_PATH}/{connection.id}/{one.page}")
        administrators.tell(transaction, self.outbox, organization.id, lambda to: one.letter(to, ending, link), now)


def _sorts(transaction: Transaction, connection: Connection) -> Sequence[_Sort]:
    """Returns the provider's certificates and ours; of the provider's, what ends is the last one."""
    settings = connection.settings
    theirs = provider_certificates.of(settings) if isinstance(settings, SamlSettings) else ()
    ours = saml_keys.descriptions(transaction, connection)
    signing = (one.ends_at for one in ours if one.state is KeyState.CURRENT)
    return (
        _Sort(max((one.ends_at for one in theirs), default=None), letters.provider_certificate_ends, "certificates"),
        _Sort(next(signing, None), letters.own_certificate_ends, "own-certificate"),
    )


def _moments(one: _Sort) -> Sequence[int]:
    return () if one.ends_at is None else [one.ends_at - days * _DAY_S for days in REMINDED_DAYS]
