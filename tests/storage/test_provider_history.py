"""What the migration takes from the audit log is what acts on authorities have written into the history since."""

from importlib import import_module
from importlib.resources import files

from sqlalchemy import text

from rxauth.domain import memberships, provider_acts
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.providers import OPERATOR, add_member, give
from tests.world import NOW, World

VERSIONS = files("rxauth.storage.migrations.versions")
[REVISION] = [one.name.removesuffix(".py") for one in VERSIONS.iterdir() if one.name.endswith("_provider_lists.py")]
HISTORY = "SELECT * FROM provider_history ORDER BY organization_id, user_id, number"


def test_acts_of_before_the_migration_are_in_the_history(world: World) -> None:
    database, alder = world.open(), world.alder.organization_id

    def work(tx: Transaction) -> None:
        doctor = add_member(tx, alder, "ada@alder.example", Role.STAFF)
        second = add_member(tx, alder, "ben@alder.example", Role.ADMINISTRATOR)
        leaver = add_member(tx, alder, "cleo@alder.example", Role.STAFF)
        give(tx, alder, doctor.id, second)
        give(tx, alder, leaver.id, second)
        worse = ("NY", "123456"), "suspended"
        provider_acts.limit(tx, alder, doctor.id, *worse, doer=OPERATOR, now=NOW + 1)
        provider_acts.suspend(tx, alder, doctor.id, "board_action", doer=OPERATOR, now=NOW + 2)
        memberships.remove(tx, alder, leaver.id, NOW + 3)

    database.write(work)
    recorded = import_module(f"rxauth.storage.migrations.versions.{REVISION}").recorded

    database.close()
    owner = world.owner()
    with owner.connect() as connection:
        taken = sorted(recorded(connection), key=lambda row: (row["organization_id"], row["user_id"], row["number"]))
        kept = [dict(row._mapping) for row in connection.execute(text(HISTORY))]
    owner.dispose()
    # Of acts in one second the log has no order that a migration could tell.
    assert len(kept) >= 4
    assert _unordered(taken) == _unordered(kept)
    assert {("provider.suspended", "consequence", "left"), ("provider.limited", "operator", None)} <= {
        (row["event"], row["actor_kind"], row["reason"]) for row in taken
    }


def _unordered(rows: list[dict[str, object]]) -> set[tuple[object, ...]]:
    return {tuple(value for name, value in sorted(row.items()) if name != "number") for row in rows}
